# Sim EMS: one door to everything. `make` alone lists what it can do.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CARGO ?= cargo
NPM ?= npm
# The build backends of the wheels look for their tools on the path.
export PATH := $(CURDIR)/$(BIN):$(PATH)

JOBS ?= $(shell nproc 2>/dev/null || echo 2)
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser)

PY_DIRS := core_rs/python core_rs/tests edge cloud demo bench tests
RUST_SOURCES := $(shell find core_rs/src -name '*.rs' 2>/dev/null)
UI_SOURCES := $(shell find ui/src ui/public -type f 2>/dev/null) $(wildcard ui/*.html ui/*.ts ui/*.json)

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 18

# ---------------------------------------------------------------- set-up

.stamps/tools:
	@mkdir -p .stamps
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed (set PYTHON=...)"; exit 3; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed, found $$($(PYTHON) --version)"; exit 3; }
	@command -v $(CARGO) >/dev/null || { echo "Rust is needed: https://rustup.rs"; exit 3; }
	@command -v $(NPM) >/dev/null || { echo "Node.js 20 or newer is needed"; exit 3; }
	@touch $@

.stamps/venv: requirements/dev.txt | .stamps/tools
	@echo "[1/4] Python packages"
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

.stamps/python: .stamps/venv Cargo.toml core_rs/Cargo.toml core_rs/pyproject.toml edge/pyproject.toml cloud/pyproject.toml $(RUST_SOURCES)
	@echo "[2/4] Rust core and the three distributions"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e core_rs -e edge -e cloud
	@touch $@

.stamps/node: ui/package-lock.json ui/package.json | .stamps/tools
	@echo "[3/4] Node packages"
	@mkdir -p .stamps && cd ui && $(NPM) ci --no-audit --no-fund --loglevel=error
	@touch $@

.stamps/ui: .stamps/node $(UI_SOURCES)
	@echo "[4/4] Screens: portal and HMI"
	@cd ui && $(NPM) run --silent build
	@touch $@

.PHONY: setup
setup: .stamps/python .stamps/ui ## Install and build everything

.PHONY: chromium
chromium: ## Install Chromium for the browser tests (Debian, as root)
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing Chromium"; (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium) >/dev/null; \
	  else echo "Chromium is missing, browser tests will be skipped. Install it with: sudo apt-get install chromium"; fi; }

.PHONY: mosquitto
mosquitto: ## Install the MQTT broker for its tests (Debian, as root)
	@command -v mosquitto >/dev/null || test -x /usr/sbin/mosquitto || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing Mosquitto"; (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq mosquitto) >/dev/null; \
	  else echo "Mosquitto is missing, MQTT tests will be skipped. Install it with: sudo apt-get install mosquitto"; fi; }

# ---------------------------------------------------------------- use

.PHONY: demo
demo: setup ## A simulated site, edge, cloud and both screens; Ctrl-C stops everything
	@exec $(BIN)/python -m demo

# ---------------------------------------------------------------- check and test

.PHONY: check
check: .stamps/python .stamps/node ## Formatters, linters, types, import floors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --quiet -- -D warnings
	$(CARGO) clippy --workspace --no-default-features --all-targets --quiet -- -D warnings
	$(BIN)/ruff format --check $(PY_DIRS)
	$(BIN)/ruff check $(PY_DIRS)
	for part in 'core_rs/python core_rs/tests edge' cloud 'demo bench tests'; do $(BIN)/mypy $$part; done
	$(BIN)/lint-imports
	@if [ -x $(BIN)/hadolint ]; then $(BIN)/hadolint docker/*.Dockerfile; else echo "hadolint has no build for this machine: Dockerfiles not linted"; fi
	cd ui && $(NPM) run --silent check

# What fails is run once more, alone: most tests drive real processes, and a busy machine can starve one beyond its
# bounds. Both outcomes are printed; what fails twice, or was not collected, fails.
define twice
$(BIN)/python -m pytest -q $(1) || { code=$$?; [ $$code = 1 ] || exit $$code; \
  echo "=== what failed, once more and alone"; $(BIN)/python -m pytest -q --last-failed --last-failed-no-failures none $(filter-out -n $(JOBS) --dist worksteal,$(1)); }
endef

.PHONY: test
test: test-rust test-python test-ui test-browser ## All tests

.PHONY: test-rust
test-rust: .stamps/tools ## Tests of the Rust core, without Python
	$(CARGO) test --workspace --no-default-features --quiet

.PHONY: test-python
test-python: .stamps/python mosquitto ## Unit, property, scenario and integration tests
	$(call twice,-n $(JOBS) --dist worksteal -m "not browser and not alone")
	$(call twice,-m "alone and not browser")

.PHONY: test-ui
test-ui: .stamps/node ## Component tests of the screens
	cd ui && $(NPM) test --silent

.PHONY: test-browser
test-browser: setup chromium ## Both screens in a real browser against the running system
	$(call twice,-m browser -rs)

.PHONY: kill-long
kill-long: .stamps/python ## Long proof: kill -9 of edge, cloud and plant, ten times each
	SIMEMS_KILLS=10 $(BIN)/python -m pytest -q -s tests/system/test_kill.py

.PHONY: chaos
chaos: .stamps/python ## Long proof: 1,000 SIGKILLs, 500 network faults, 100 full disks, clock jumps: nothing lost (half an hour); then kill-long
	SIMEMS_SIGKILLS=1000 $(BIN)/python -m pytest -q -s --timeout=14400 tests/chaos
	$(MAKE) kill-long

FLEET ?= 10000

.PHONY: reconnect-long
reconnect-long: .stamps/python ## Long proof: 10,000 devices come back within 50 s and are done after 60, an hour of backlog each, none lost
	SIMEMS_FLEET=$(FLEET) $(BIN)/python -m pytest -q -s --timeout=7200 tests/reconnect

.PHONY: forge-long
forge-long: .stamps/python ## Long proof: 100,000 forged, replayed, reordered, expired and foreign commands and as many key changes, none believed
	SIMEMS_FORGERIES=100000 SIMEMS_KEY_FORGERIES=100000 $(BIN)/python -m pytest -q -s --timeout=3600 edge/tests/commands/test_forge.py edge/tests/commands/test_key_change.py

.PHONY: misbehave-long
misbehave-long: .stamps/python ## Long proof: 19 kinds of misbehaving controllers, a hundred times each (half an hour)
	SIMEMS_MISBEHAVIOURS=100 $(BIN)/python -m pytest -q -s --timeout=1800 edge/tests/hosts/test_misbehaving.py

CASES ?= 100000

.PHONY: safety-long
safety-long: .stamps/python ## Long proof: 100,000 random sites, inputs, actions and adversaries, no hard limit crossed
	$(BIN)/python edge/tests/safety_proof/proof_long.py --cases $(CASES) --jobs $(JOBS)

.PHONY: audit-long
audit-long: .stamps/python ## Long proof: 1,000 tamperings with the audit log, every one found
	SIMEMS_TAMPERINGS=1000 $(BIN)/python -m pytest -q -s --timeout=1800 cloud/tests/audit/test_tampering.py

.PHONY: isolation-long
isolation-long: .stamps/python ## Long proof: a million requests of three tenants, no row crosses (half an hour)
	SIMEMS_ISOLATION_REQUESTS=1000000 $(BIN)/python -m pytest -q -s --timeout=5400 cloud/tests/isolation -k "embedded and no_row_crosses"

.PHONY: modbus-long
modbus-long: .stamps/python ## Long proof: a million Modbus exchanges through 17 kinds of faults, none wrong accepted (half an hour)
	SIMEMS_MODBUS_EXCHANGES=500000 $(BIN)/python -m pytest -q -o log_cli=true -o log_cli_level=INFO --timeout=0 edge/tests/bridges/test_chaos.py

.PHONY: ocpp-long
ocpp-long: .stamps/python ## Long proof: a hundred charging stations for ten simulated hours, ledger over 20,000 sequences (an hour)
	SIMEMS_OCPP_STATIONS=100 SIMEMS_OCPP_HOURS=10 $(BIN)/python -m pytest -q -o log_cli=true -o log_cli_level=INFO --timeout=0 edge/tests/bridges/ocpp/test_soak.py
	SIMEMS_LEDGER_CASES=20000 $(BIN)/python -m pytest -q --timeout=0 edge/tests/bridges/ocpp/test_limits.py

.PHONY: schemathesis-long
schemathesis-long: .stamps/python ## Long proof: every operation of the cloud's API with a hundred generated requests each, three callers (an hour)
	SIMEMS_API_EXAMPLES=100 $(BIN)/python -m pytest -q -s --timeout=0 cloud/tests/api/test_schemathesis.py -k embedded

.PHONY: buffer-long
buffer-long: .stamps/python ## Long proof: two hundred mutations of the edge buffer's files, it boots after each
	SIMEMS_MUTATIONS=200 $(BIN)/python -m pytest -q edge/tests/buffer/test_mutations.py

.PHONY: load-long
load-long: .stamps/python ## Long proof: shown load against true load over five minutes
	SIMEMS_LOAD_SPAN_S=300 $(BIN)/python -m pytest -q --timeout=600 tests/system/test_load.py

.PHONY: arbitration-long
arbitration-long: .stamps/tools ## Long proof: 100,000 random problems never outside a guard, splits equal to their definition
	cd core_rs && PROPTEST_CASES=100000 $(CARGO) test --release --no-default-features --lib -- split guard::shared_tests

.PHONY: stability-long
stability-long: .stamps/python ## Long proof: loops on late meters and slow batteries, 1,458 closed loops, table and plot (half an hour)
	$(BIN)/python -m bench.stability_long --plot docs/images/stability.png

.PHONY: doctor-long
doctor-long: .stamps/python ## Long proof: 24 faults by day and night and 10 healthy sites, each commissioned in the virtual plant
	$(BIN)/python -m bench.doctor_long

.PHONY: ekf-long
ekf-long: .stamps/python ## Long proof: the state-of-charge filter against PyBaMM's DFN, table and plot (an hour at first)
	$(BIN)/python -m pip install --quiet -r requirements/bench.in
	$(BIN)/python -m bench.ekf_long --plot docs/images/ekf-matrix.png

.PHONY: beat-long
beat-long: .stamps/python ## Long proof: the beat over 100,000 cycles idle and busy, its grid over 10^6 (an hour)
	$(BIN)/python -m bench.beat_long

FUZZ_CORE ?= 2250000
FUZZ_PYTHON ?= 500000

.PHONY: fuzz-long
fuzz-long: .stamps/python ## Long proof: 10^7 hostile inputs for every decoder and for arbitration
	SIMEMS_FUZZ_EXECUTIONS=$(FUZZ_CORE) $(CARGO) test --quiet --profile fuzz --no-default-features --test fuzz -- --nocapture | tee .stamps/fuzz-core
	SIMEMS_FUZZ_EXECUTIONS=$(FUZZ_PYTHON) $(BIN)/python -m pytest -q --timeout=0 -o log_cli=true -o log_cli_level=INFO tests/fuzz | tee .stamps/fuzz-python
	@grep -ohE 'fuzz: +[0-9]+ executions: ' .stamps/fuzz-core .stamps/fuzz-python | awk '{sum += $$2} END {print "fuzz: " sum " executions in all, 0 panics, 0 undeclared errors"}'

.PHONY: torn-long
torn-long: .stamps/tools ## Long proof: no torn read in 10^8
	SIMEMS_TORN_READS=100000000 $(CARGO) test --quiet --release --no-default-features --test torn -- --nocapture

.PHONY: loom
loom: .stamps/tools ## Models of the lock-free parts under every order of threads (loom)
	RUSTFLAGS="--cfg loom" LOOM_MAX_PREEMPTIONS=3 $(CARGO) test --quiet --no-default-features --lib --target-dir target/loom -- models::

.PHONY: bench
bench: .stamps/python ## One table: figure, reference, ratio, goal
	@$(BIN)/python -m bench

# ---------------------------------------------------------------- build

.PHONY: wheels
wheels: .stamps/venv ## The three wheels, in dist/
	@mkdir -p dist
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation -w dist ./core_rs ./edge ./cloud
	@ls -1 dist/*.whl

.PHONY: lock
lock: .stamps/tools ## Pin the Python packages again (requirements/dev.txt)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header requirements/dev.in -o requirements/dev.txt

.PHONY: types
types: .stamps/python .stamps/node ## Generate OpenAPI files, JSON Schemas and TypeScript types
	$(BIN)/simems-cloud openapi > docs/cloud-openapi.json
	$(BIN)/python -m simems_edge.hmi.openapi > docs/edge-openapi.json
	$(BIN)/python -m simems_core.wire_schema > docs/schemas/wire.json
	for name in site profile cell scenario table; do $(BIN)/simems-edge schema $$name > docs/schemas/$$name.json; done
	$(BIN)/python -m simems_edge.contracts.fault_page > docs/faults.md
	$(BIN)/python -m simems_edge.estimation.model_page > docs/models.md
	cd ui && $(NPM) run --silent types

.PHONY: controller-pages
controller-pages: .stamps/python ## Write the pages about controllers, with plots of their examples
	$(BIN)/simems-edge controllers --pages docs/controllers

.PHONY: model-pages
model-pages: .stamps/python ## Write the page about models, with plots of their behaviour
	$(BIN)/python -m simems_edge.estimation.model_page > docs/models.md
	$(BIN)/python -m simems_edge.cli.model_pictures docs/images/models

.PHONY: screen-pages
screen-pages: setup ## Write the page about screens, with pictures of the running demonstration (needs Chromium)
	cd ui && $(NPM) run --silent screen-page
	$(BIN)/python -m tests.browser.screen_pages

.PHONY: clean
clean: ## Remove what was built (not the demo's data)
	rm -rf .stamps dist target ui/dist ui/node_modules $(VENV) .mypy_cache .ruff_cache .import_linter_cache
