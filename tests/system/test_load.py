"""The load that people see is the load that the plant really has."""

from __future__ import annotations

import os
import time
from statistics import fmean

import pytest

from tests.system.conftest import System

pytestmark = [pytest.mark.integration, pytest.mark.alone]

SPAN_S = float(os.environ.get("SIMEMS_LOAD_SPAN_S", "60"))
"""300 in the long form (``make load-long``)."""


def test_shown_load_is_the_true_load(system: System) -> None:
    site = system.site()
    shown: list[float] = []
    true: list[float] = []
    missing: list[float] = []
    began = time.monotonic()

    def sampled() -> bool:
        latest = system.get(f"/sites/{site}/latest")["values"]["site/load_power_w"]
        if latest["value"] is None:  # said to be missing, rather than shown wrong
            missing.append(time.monotonic() - began)
            return time.monotonic() - began >= SPAN_S
        true.append(system.truth()["site/load_power_w"])
        shown.append(latest["value"])
        return time.monotonic() - began >= SPAN_S

    system.until("samples over the span", sampled, SPAN_S + 30)
    assert len(shown) > SPAN_S
    assert len(missing) <= 0.02 * len(shown), missing
    assert fmean(shown) == pytest.approx(fmean(true), rel=0.01)
