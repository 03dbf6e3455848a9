"""The files of a new controller package: it installs, is found, runs and is tested as it stands."""

from __future__ import annotations

from string import Template

PROJECT = Template("""[build-system]
requires = ["hatchling>=1.26"]
build-backend = "hatchling.build"

[project]
name = "$package"
version = "0.1.0"
description = "A controller of Sim EMS: $name"
requires-python = ">=3.11"
dependencies = ["simems-edge"]

[project.entry-points."simems.controllers"]
$name = "$package:$class_name"

[tool.hatch.build.targets.wheel]
packages = ["$package"]
""")

CONTROLLER = Template('''"""$title: holds the battery at a share of what it may charge while the state of charge is low.

A working beginning: change the calculation, and say in the spec what is true then.
"""

from __future__ import annotations

from simems_edge.config.quantities import NonNegativePowerW, Percent, PositiveRampWPerS
from simems_edge.contracts import (
    Binding,
    Context,
    Controller,
    ControllerSettings,
    EssHandles,
    EssRef,
    Input,
    Metric,
    Output,
    Priority,
    Spec,
)


class ${class_name}Settings(ControllerSettings):
    """What may be written in the site file; units stand in the names."""

    ess: EssRef
    charge_power_w: NonNegativePowerW = 1_000.0
    """The battery is charged with this power."""
    until_soc_pct: Percent = 50.0
    """Charging ends here."""
    ramp_w_per_s: PositiveRampWPerS = 1_000.0
    """The wanted power changes no faster."""


def wanted_power_w(soc_pct: float, settings: ${class_name}Settings) -> float:
    """Battery power in W (discharge > 0) for this state of charge. Pure: easy to test by hand."""
    return -settings.charge_power_w if soc_pct < settings.until_soc_pct else 0.0


class $class_name(Controller):
    Settings = ${class_name}Settings
    settings: ${class_name}Settings
    spec = Spec(
        type="$name",
        owner="$package",
        priority=Priority.AUXILIARY,
        control_mode="$mode",
        safety_impact="It moves only battery power, inside every guard.",
        fallback="Without a valid state of charge, or when its process dies, the battery goes to 0 W.",
        inputs=(
            Input("ess", "soc_pct", "withdraws at once"),
            Input("ess", "active_power_w", "withdraws at once"),
            Input("ess", "active_power_w_setpoint", "the measured power counts as the setpoint"),
        ),
        outputs=(Output("ess", "active_power_w"),),
        metrics=(Metric("wanted_power_w", "W", "Battery power it wants"),),
        acceptance=("Charges below until_soc_pct and nowhere else.",),
        test_plan=("tests/test_$name.py",),
    )

    def bind(self, binding: Binding) -> None:
        """Once, before the first turn: names become handles."""
        self._ess = EssHandles.of(self.settings.ess, binding)

    def execute(self, ctx: Context) -> None:
        """Once per cycle, on a frozen snapshot. Proposing nothing withdraws."""
        soc_pct, power_w = ctx.value(self._ess.soc_pct), ctx.value(self._ess.active_power_w)
        if soc_pct is None or power_w is None:
            return
        standing_w = ctx.value(self._ess.active_power_w_setpoint)
        from_w = power_w if standing_w is None else standing_w
        wanted_w, step_w = wanted_power_w(soc_pct, self.settings), self.settings.ramp_w_per_s * ctx.dt_s
        ctx.propose(self._ess.active_power_w, preferred=min(max(wanted_w, from_w - step_w), from_w + step_w))
        ctx.publish("wanted_power_w", wanted_w)
''')

INIT = Template('''"""A controller package for Sim EMS."""

from $package.controller import $class_name

__all__ = ["$class_name"]
''')

TEST = Template('''"""The calculation by hand, and the whole controller over cycles."""

from __future__ import annotations

from pathlib import Path

import pytest
from simems_core import Clock
from simems_edge.config import load_site
from simems_edge.runtime import Runtime

from $package.controller import $class_name, ${class_name}Settings, wanted_power_w

S = 1_000_000_000
SETTINGS = ${class_name}Settings.model_validate({"ess": "ess0", "charge_power_w": "2 kW", "until_soc_pct": 40})


@pytest.mark.parametrize(("soc_pct", "expected_w"), [(39.9, -2_000.0), (40.0, 0.0), (90.0, 0.0)])
def test_it_charges_below_the_limit_only(soc_pct: float, expected_w: float) -> None:
    assert wanted_power_w(soc_pct, SETTINGS) == expected_w


def test_the_declaration_is_complete() -> None:
    assert not $class_name.spec.gaps()


def test_over_cycles(tmp_path: Path) -> None:
    """Ramps to the wanted power in steps of 1 kW/s, and withdraws when the state of charge is gone."""
    runtime, clock = _runtime()
    setpoints = [_cycle(runtime, clock, second, soc_pct=30.0) for second in range(4)]
    assert setpoints == [-1_000.0, -2_000.0, -2_000.0, -2_000.0]
    assert _cycle(runtime, clock, 4, soc_pct=float("nan")) != -2_000.0


def _runtime() -> tuple[Runtime, Clock]:
    clock = Clock.simulated(0)
    return Runtime(load_site(Path(__file__).parents[1] / "site.yaml"), clock=clock), clock


def _cycle(runtime: Runtime, clock: Clock, second: int, *, soc_pct: float) -> float:
    clock.advance_to(second * S)
    values = {"soc_pct": soc_pct, "active_power_w": 0.0, "max_charge_power_w": 5e3, "max_discharge_power_w": 5e3}
    for name, value in values.items():
        quality = 0 if value == value else 2
        runtime.image.publish(runtime.image.handle(f"ess0/{name}"), value, second * S, quality)
    runtime.image.publish(runtime.image.handle("grid0/active_power_w"), 1_000.0, second * S)
    return runtime.step(second * S)[0].setpoint
''')

SITE = Template("""# A site to try the controller in.
site:
  id: trial-1
  time_zone: Europe/Stockholm
  currency: SEK
  grid: {import_limit_w: 50 kW, export_limit_w: 50 kW}
cycle: {period: 1 s}
components:
  - {id: grid0, profile: sunspec_meter, connection: {modbus_tcp: {host: 127.0.0.1, port: 1502, unit: 1}}}
  - {id: ess0, profile: sunspec_storage, connection: {modbus_tcp: {host: 127.0.0.1, port: 1504, unit: 1}}}
controllers:
  - {id: ${name}0, type: $name, ess: ess0, charge_power_w: 2 kW, until_soc_pct: 40}
""")

SCENARIO = """# The battery is charged up to 40 %, then stands still.
start: 2026-06-01T00:00:00+02:00
duration: 20 min
step: 1 s
plant:
  no_pv: true
  load: {constant_w: 3 kW}
  devices: {ess0: {capacity_wh: 10 kWh, initial_soc_pct: 35}}
"""

README = Template("""# $title

A controller of Sim EMS in a package of its own.

```sh
pip install -e .
simems-edge controllers $name     # found by its entry point
simems-edge check site.yaml
simems-edge simulate site.yaml scenario.yaml -o out.csv --plot out.png
python -m pytest
```
""")

FILES = {
    "pyproject.toml": PROJECT,
    "README.md": README,
    "site.yaml": SITE,
    "scenario.yaml": Template(SCENARIO),
    "{package}/__init__.py": INIT,
    "{package}/controller.py": CONTROLLER,
    "tests/test_{name}.py": TEST,
}


def skeleton(name: str) -> dict[str, str]:
    """Path in the package's folder -> content. ``name``: type of the controller, in lower case with underscores."""
    words = name.split("_")
    package = f"simems_{name}"
    values = {
        "name": name,
        "package": package,
        "class_name": "".join(word.capitalize() for word in words),
        "title": " ".join(words).capitalize(),
        "mode": name.upper(),
    }
    return {path.format(name=name, package=package): text.substitute(values) for path, text in FILES.items()}
