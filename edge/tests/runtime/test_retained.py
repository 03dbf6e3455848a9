"""What controllers retain survives restarts; the time of day reaches them, also from a recording."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from simems_core import Clock
from simems_edge.config import Site
from simems_edge.contracts import (
    Binding,
    Context,
    Controller,
    ControllerSettings,
    Input,
    Metric,
    Output,
    Priority,
    Spec,
)
from simems_edge.controllers import registry
from simems_edge.runtime import Runtime
from simems_edge.runtime.retained import FILE

S = 1_000_000_000
START_US = 1_790_000_000_000_000


class Counting(Controller):
    """Counts its turns in a retained metric and shows the time of day."""

    Settings = ControllerSettings
    spec = Spec(
        type="counting",
        owner="edge/tests/runtime",
        priority=Priority.AUXILIARY,
        control_mode="COUNTING",
        safety_impact="none, it proposes nothing",
        fallback="none, it proposes nothing",
        inputs=(Input("own", "turns", "begins at 0"),),
        outputs=(Output("ess", "active_power_w"),),
        metrics=(Metric("turns", "", "Turns ever taken", retained=True), Metric("utc_s", "s", "Time of day")),
        acceptance=("counts",),
        test_plan=("edge/tests/runtime/test_retained.py",),
    )

    def bind(self, binding: Binding) -> None:
        self._turns = binding.own("turns")

    def execute(self, ctx: Context) -> None:
        ctx.publish("turns", (ctx.value(self._turns) or 0.0) + 1.0)
        utc_s = ctx.utc_s()
        if utc_s is not None:
            ctx.publish("utc_s", utc_s)


@pytest.fixture
def counting_site(monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(registry, "load_type", lambda _name: Counting)
    return Site.model_validate(
        {
            "site": {
                "id": "count-1",
                "time_zone": "Europe/Stockholm",
                "currency": "SEK",
                "grid": {"import_limit_w": 1e5, "export_limit_w": 1e5},
            },
            "components": (
                {
                    "id": "grid0",
                    "profile": "sunspec_meter",
                    "connection": {"modbus_tcp": {"host": "127.0.0.1", "port": 1502, "unit": 1}},
                },
            ),
            "controllers": ({"id": "count0", "type": "counting"},),
        }
    )


def run(site: Site, data: Path | None, turns: int, *, start_us: int = START_US) -> Runtime:
    clock = Clock.simulated(start_us)
    runtime = Runtime(site, clock=clock, data=data)
    for second in range(turns):
        clock.advance_to(second * S)
        runtime.step(second * S)
    return runtime


def value(runtime: Runtime, address: str) -> float:
    """As the last cycle saw it: what it published itself shows in the next."""
    return runtime.image.snapshot().value(runtime.image.handle(address))


def test_a_retained_metric_goes_on_after_a_restart(counting_site: Site, tmp_path: Path) -> None:
    run(counting_site, tmp_path, 5).stop()
    again = run(counting_site, tmp_path, 3)
    assert value(again, "count0/turns") == 4.0 + 2.0


def test_a_power_cut_loses_the_last_seconds_only(counting_site: Site, tmp_path: Path) -> None:
    run(counting_site, tmp_path, 25)  # no stop: saved at 0, 10 and 20 s
    kept = json.loads((tmp_path / FILE).read_bytes())["values"]["count0/turns"]
    assert kept == 20.0


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"version":1,"values":{"count0/turns":9},"checksum":"x"}', b"[" * 9999]
)
def test_a_damaged_file_is_left_out(counting_site: Site, tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert value(run(counting_site, tmp_path, 2), "count0/turns") == 1.0


def test_without_a_folder_nothing_is_kept(counting_site: Site, tmp_path: Path) -> None:
    run(counting_site, None, 5).stop()
    assert not list(tmp_path.iterdir())


def test_the_time_of_day_reaches_a_controller(counting_site: Site) -> None:
    runtime = run(counting_site, None, 8)
    assert value(runtime, "count0/utc_s") == pytest.approx(START_US * 1e-6 + 6.0, abs=1e-3)


def test_a_clock_that_was_never_set_is_unknown_to_a_live_edge(counting_site: Site) -> None:
    runtime = run(counting_site, None, 1, start_us=0)
    assert runtime.wall_clock.known, "a replay may play any year"
    live = Runtime(counting_site, clock=Clock.simulated(0), bridges=[lambda *_args, **_named: None])  # type: ignore[list-item]
    live.wall_clock.update(0)
    assert not live.wall_clock.known
