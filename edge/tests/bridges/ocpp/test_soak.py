"""Stations that connect, charge and drop at random: no transaction lost or doubled, never over the cap, under the
site's limit within 10 s of any step of the load; and cars do charge meanwhile.

Eight stations for an hour here; ``make ocpp-long`` has a hundred for ten hours.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from pathlib import Path

import pytest
from soak import Garage

log = logging.getLogger(__name__)
STATIONS = int(os.environ.get("SIMEMS_OCPP_STATIONS", "8"))
HOURS = float(os.environ.get("SIMEMS_OCPP_HOURS", "1.0"))
SEEDS = [int(seed) for seed in os.environ.get("SIMEMS_OCPP_SEEDS", "1").split(",")]


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_doubled_or_over_the_cap(tmp_path: Path, seed: int, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("ocpp", "simems_edge"):
        caplog.set_level(logging.CRITICAL, name)
    garage = Garage(tmp_path, STATIONS, cap_a=4.5 * STATIONS, seed=seed)
    found = garage.run(HOURS * 3600.0)
    told = Counter((one.station, one.start_wh, one.stop_wh) for one in found.charges)
    store = garage.edge.bridge.store
    kept = Counter((one.station, one.meter_start_wh, one.meter_stop_wh) for one in store.newest(1_000_000))
    caplog.set_level(logging.INFO, __name__)
    mean_a = found.drawn_as / (HOURS * 3600.0)
    log.info(
        "seed %d: %d stations, %g h, %d connections, %d transactions, %d of them told again, %d late answers, "
        "%d load steps; worst %.1f of %.1f A, mean %.1f A, %d s over the cap, over the limit until %.1f s after "
        "a step, %d s of it later than 10 s",
        seed, STATIONS, HOURS, found.connections, len(found.charges), found.repeated, found.answered_late,
        found.steps, found.worst_a, garage.cap_a, mean_a, found.over_cap_s, found.longest_s, found.late_s,
    )  # fmt: skip
    assert len(found.charges) >= STATIONS, "nobody charged: this proves nothing"
    assert kept == told
    assert found.over_cap_s == 0
    assert found.late_s == 0
    assert found.peak_share > 0.9, "the limit was never near: this proves nothing"
    assert mean_a > 0.2 * garage.cap_a, "cars wait for what is free"
