"""The beat as the site file asks for it, and what is told of it."""

from __future__ import annotations

import errno
import logging
from typing import Any

import pytest
from pydantic import ValidationError
from simems_core import Actuator, Channel, Clock, Cycle, ProcessImage
from simems_edge.config import CycleSettings
from simems_edge.runtime.beat import grants_text, start_beat

GRANTED = {"realtime": 0, "memory": 0, "cpu": None}


def settings(**changes: Any) -> CycleSettings:
    return CycleSettings.model_validate({"period": 0.01} | changes)


@pytest.mark.parametrize(
    ("grants", "words"),
    [
        (GRANTED, ["SCHED_FIFO 50 granted", "locked memory granted", "a certain core not asked for"]),
        (
            GRANTED | {"realtime": errno.EPERM},
            ["SCHED_FIFO 50 refused (Operation not permitted)", "LimitRTPRIO=50", "CAP_SYS_NICE"],
        ),
        (GRANTED | {"memory": errno.EPERM}, ["locked memory refused", "LimitMEMLOCK=infinity", "CAP_IPC_LOCK"]),
        (GRANTED | {"cpu": errno.EINVAL}, ["core 3 refused (Invalid argument)", "CPUAffinity="]),
    ],
)
def test_each_refusal_is_told_with_cause_and_remedy(grants: dict[str, int | None], words: list[str]) -> None:
    text = grants_text(grants, settings(cpu=3))
    assert all(word in text for word in words), text
    assert "\n" not in text


def test_one_line_at_the_start(caplog: pytest.LogCaptureFixture) -> None:
    image = ProcessImage([Channel("a/p")])
    cycle = Cycle(
        image, period_s=0.01, sources=[], actuators=[Actuator("a/p", minimum=0.0, maximum=1.0)], guards=[],
        clock=Clock.monotonic(),
    )  # fmt: skip
    with caplog.at_level(logging.INFO):
        start_beat(cycle, settings(cpu=1023, realtime_priority=0, lock_memory=False))
    cycle.stop()
    (record,) = caplog.records
    assert record.levelno == logging.WARNING, "something was refused"
    assert "SCHED_FIFO not asked for; locked memory not asked for; core 1023 refused" in record.getMessage()


def test_as_late_as_the_propose_deadline_unless_said_otherwise() -> None:
    assert settings(propose_deadline=0.8).lateness_limit_s == pytest.approx(0.008)
    assert settings(max_lateness="2 ms").lateness_limit_s == pytest.approx(0.002)


@pytest.mark.parametrize(
    "wrong",
    [
        {"propose_deadline": 1.0},
        {"propose_deadline": 0.0},
        {"max_lateness": 0},
        {"realtime_priority": 100},
        {"realtime_priority": True},
        {"cpu": -1},
        {"lock_memory": 1},
    ],
)
def test_nonsense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**wrong)
