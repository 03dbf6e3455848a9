"""Charging sessions as stations tell them: in any order, again after a lost answer, days late. Pure.

A report carries its identity: the same identity is the same report told again. A session ends once; what comes after
its end changes nothing but a remark.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

Kind = Literal["started", "updated", "ended"]
NEVER_STARTED: Final = "its start was never told"
NEVER_ENDED: Final = "its end was never told"
RUNS_BACKWARDS: Final = "its meter stopped below its start"
ENDED_TWICE: Final = "its end was told twice, differently"


@dataclass(frozen=True, slots=True)
class Report:
    """One thing that a station says of a transaction."""

    station: str
    connector: int
    kind: Kind
    identity: str
    """Of the transaction: what makes a start the same start."""
    time_us: int
    """UTC by the station's clock, in microseconds."""
    transaction: str = ""
    """The number that both sides use; empty for a start of 1.6, whose number we give."""
    id_tag: str = ""
    meter_wh: float | None = None
    sequence: int | None = None
    """2.0.1: counts the reports of a transaction."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """One transaction, from what has been told of it so far."""

    number: int
    station: str
    connector: int
    identity: str
    transaction: str
    id_tag: str = ""
    started_us: int | None = None
    meter_start_wh: float | None = None
    ended_us: int | None = None
    meter_stop_wh: float | None = None
    last_us: int | None = None
    last_wh: float | None = None
    last_sequence: int | None = None
    reason: str = ""
    remark: str = ""

    @property
    def open(self) -> bool:
        return self.ended_us is None

    @property
    def energy_wh(self) -> float | None:
        """None while it cannot be told; never negative."""
        newest_wh = self.last_wh if self.meter_stop_wh is None else self.meter_stop_wh
        if newest_wh is None or self.meter_start_wh is None or newest_wh < self.meter_start_wh:
            return None
        return newest_wh - self.meter_start_wh


def begun(number: int, report: Report) -> Session:
    """The first report of a transaction makes its session, whatever it is."""
    fresh = Session(
        number,
        report.station,
        report.connector,
        report.identity,
        report.transaction or str(number),
        remark="" if report.kind == "started" else NEVER_STARTED,
    )
    return advanced(fresh, report)


def advanced(session: Session, report: Report) -> Session:
    """``session`` with one more report; the same object when it says nothing new."""
    after = {"started": _started, "updated": _updated, "ended": _ended}[report.kind](session, report)
    return _judged(after)


def abandoned(session: Session, time_us: int) -> Session:
    """Its station says that it is over, but its end has not been told (yet)."""
    return session if not session.open else replace(session, ended_us=time_us, remark=NEVER_ENDED)


def _started(session: Session, report: Report) -> Session:
    if session.started_us is not None:
        return session
    remark = "" if session.remark == NEVER_STARTED else session.remark
    return replace(
        session,
        started_us=report.time_us,
        meter_start_wh=report.meter_wh,
        id_tag=report.id_tag or session.id_tag,
        connector=report.connector or session.connector,
        last_sequence=_later(session, report),
        remark=remark,
    )


def _updated(session: Session, report: Report) -> Session:
    if not _is_newer(session, report):
        return session
    return replace(
        session,
        last_us=report.time_us,
        last_wh=session.last_wh if report.meter_wh is None else report.meter_wh,
        last_sequence=_later(session, report),
        id_tag=session.id_tag or report.id_tag,
        connector=session.connector or report.connector,
    )


def _ended(session: Session, report: Report) -> Session:
    told = session.ended_us is not None and session.remark != NEVER_ENDED
    if told:
        same = session.ended_us == report.time_us and session.meter_stop_wh == report.meter_wh
        return session if same else replace(session, remark=ENDED_TWICE)
    remark = "" if session.remark == NEVER_ENDED else session.remark
    return replace(
        session,
        ended_us=report.time_us,
        meter_stop_wh=session.last_wh if report.meter_wh is None else report.meter_wh,
        reason=report.reason,
        id_tag=session.id_tag or report.id_tag,
        connector=session.connector or report.connector,
        last_sequence=_later(session, report),
        remark=remark,
    )


def _is_newer(session: Session, report: Report) -> bool:
    if report.sequence is not None and session.last_sequence is not None:
        return report.sequence > session.last_sequence
    return session.last_us is None or report.time_us > session.last_us


def _later(session: Session, report: Report) -> int | None:
    known = [number for number in (session.last_sequence, report.sequence) if number is not None]
    return max(known, default=None)


def _judged(session: Session) -> Session:
    start_wh, stop_wh = session.meter_start_wh, session.meter_stop_wh
    if start_wh is not None and stop_wh is not None and stop_wh < start_wh and not session.remark:
        return replace(session, remark=RUNS_BACKWARDS)
    return session
