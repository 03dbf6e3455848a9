"""The edge's facade: one object that screens, buffer and command line hold. One cycle is one :meth:`Runtime.turn`.

Live, a thread waits for each cycle's snapshot and takes the turn. Stepped (:meth:`Runtime.step`), the caller owns the
clock; the turn is the same code.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event as Flag
from threading import Thread

from simems_core import Channel, Clock, CycleStatistics, Decision, ProcessImage, Recorder, Snapshot
from simems_core.wire import Event

from simems_edge.config import Site
from simems_edge.contracts import control_settings
from simems_edge.devices import Profile
from simems_edge.hosts import Limits, LocalHost, ProcessHosts
from simems_edge.runtime.alarm_rules import conditions
from simems_edge.runtime.alarms import AlarmBook
from simems_edge.runtime.assembly import Assembly, assemble
from simems_edge.runtime.beat import start_beat
from simems_edge.runtime.circumstances import Observer
from simems_edge.runtime.commanded import OFFERED_PHASES
from simems_edge.runtime.derived import GroupTotals, LoadBalance
from simems_edge.runtime.estimator_store import EstimatorStore
from simems_edge.runtime.estimators import Estimators
from simems_edge.runtime.facts import FactFinder
from simems_edge.runtime.fault_book import FaultBook
from simems_edge.runtime.fault_plan import plan_faults
from simems_edge.runtime.fault_store import FaultStore
from simems_edge.runtime.grid_values import GridValues
from simems_edge.runtime.islanding import Islanding
from simems_edge.runtime.latest import LatestView
from simems_edge.runtime.limit_record import LimitRecord
from simems_edge.runtime.outputs import STOP_S, WAIT_S, BridgeFactory, BridgeThread, DecisionThread
from simems_edge.runtime.outside_events import OutsideEvents
from simems_edge.runtime.override_glide import Glide
from simems_edge.runtime.overrides import Overrides
from simems_edge.runtime.reports import BridgeReports
from simems_edge.runtime.requests import SiteRequests
from simems_edge.runtime.retained import RetainedMetrics
from simems_edge.runtime.schedule_feed import ScheduleFeed, follows_schedule
from simems_edge.runtime.shadow import Shadows
from simems_edge.runtime.states import bind_states
from simems_edge.runtime.wall_clock import WallClock
from simems_edge.schedule import Schedule, ScheduleStore

log = logging.getLogger(__name__)
RULES_EVERY_NS = 200_000_000
LAST_CYCLE_S = 0.5
SHADOW_EVERY_S = 1.0


def _ignore(_event: Event) -> None:
    """Nobody listens yet."""


class Runtime:
    """``bridges``: factories such as ``ModbusBridge``; none for a stepped runtime.

    ``on_event`` receives every alarm and action as a wire event (from the runtime's threads); set it before start.
    """

    def __init__(
        self,
        site: Site,
        *,
        clock: Clock,
        bridges: Sequence[BridgeFactory] = (),
        data: Path | None = None,
        processes: bool = False,
        schedule: Schedule | None = None,
    ) -> None:
        """``data``: folder where latched faults survive; None: they end with the process (replay, simulation).
        ``schedule``: the one to follow without a data folder; with one, the folder's is followed.
        ``processes``: a process per controller, for a live runtime; stepping needs them in this one."""
        self.site = site
        self.clock = clock
        self.assembly: Assembly = assemble(site, clock, desks=processes)
        self.image: ProcessImage = self.assembly.image
        self.cycle = self.assembly.cycle
        self.on_event: Callable[[Event], None] = _ignore
        self.alarms = AlarmBook(on_event=self._emit)
        self.overrides = Overrides(
            self.assembly.actuators,
            _ranges(self.assembly),
            clock,
            on_event=self._emit,
            glide=Glide.of(self.assembly),
            folder=data,
            sequenced=frozenset(one.address for one in self.assembly.commanded if one.row.name == OFFERED_PHASES),
        )
        self.recorder = Recorder(self.image, range(len(self.image)), interval_s=site.recorder.interval_s)
        self.cycle.attach(self.recorder)
        self._host = _host(self.assembly, processes=processes)
        self._load = LoadBalance(self.assembly)
        self._totals = GroupTotals(self.assembly)
        self._grid_values = GridValues(self.assembly)
        self.limit_record = LimitRecord(self.assembly, clock)
        self._outside = OutsideEvents(self.assembly, clock, self._emit, self.limit_record.note)
        self._facts = FactFinder(self.assembly)
        self.cycle.watch(self._facts.inputs())
        self._view = LatestView(self.assembly)
        plan = plan_faults(self.assembly)
        self.states = bind_states(self.assembly, [planned.core() for planned in plan])
        self.requests = SiteRequests(self.states, self.image, clock, on_event=self._emit)
        estimates = None if data is None else EstimatorStore(data)
        self.retained = RetainedMetrics(self.assembly, data)
        self.schedule = _schedule_feed(self.assembly, data, schedule)
        self.wall_clock = WallClock(self.image, clock, checked=bool(bridges))
        self.estimators = Estimators(self.assembly, estimates, clock.utc_us(clock.now_ns()))
        store = None if data is None else FaultStore(data)
        self.faults = FaultBook(plan, self.states, clock, store, on_event=self._emit)
        self.shadows = Shadows(self.assembly, clock, plan)
        self._observer = Observer(self.states, self.requests, self.overrides, len(plan))
        self._islanding = Islanding(self.assembly, self.states, self.requests, self.faults)
        self.reports = BridgeReports()
        """What stands of bridges and feeds: each report becomes an alarm."""
        self._rules_ns: int | None = None
        self._stepped_statistics: CycleStatistics | None = None
        self.tells_alarms = True
        """False where nobody hears them (a replay): alarms only tell, faults and states are the cycle's own."""
        self._stopping = Flag()
        self._threads: list[BridgeThread | DecisionThread] = []
        self._host_thread: Thread | None = None
        self._shadow_thread: Thread | None = None
        self._bridges = bridges

    # ---- what stands on the site

    @property
    def channels(self) -> list[Channel]:
        """The whole tag table, devices first."""
        return self.image.channels

    @property
    def settings(self) -> dict[str, float]:
        """Numbers screens draw, e.g. ``peak0/threshold_w``, ``site/import_limit_w``."""
        return dict(self._view.settings)

    @property
    def profiles(self) -> dict[str, Profile]:
        """By component id."""
        return dict(self.assembly.profiles)

    # ---- now

    @property
    def state(self) -> str:
        """INIT, STANDBY, RUN, FAULT or SHUTDOWN."""
        return self.states.state

    @property
    def control_mode(self) -> str:
        """Who decided the first actuator in the last cycle."""
        return self.states.control_mode

    def latest(self) -> dict[str, object]:
        """What the last cycle saw and decided, as ``GET /latest`` answers it."""
        decisions = self.cycle.decisions()
        return self._view.latest(self.image.snapshot(), decisions, self.state, self.control_mode)

    def statistics(self) -> CycleStatistics:
        return self.cycle.statistics()

    def acknowledge_alarm(self, alarm_id: str, actor: str) -> object:
        """KeyError when there is no such alarm."""
        return self.alarms.acknowledge(alarm_id, actor, self.clock.utc_us(self.clock.now_ns()))

    # ---- life

    def start(self) -> None:
        """Bridges, cycle and controllers, in threads."""
        self._before_the_first_turn(self.clock.now_ns())
        for factory in self._bridges:
            bridge = factory(
                self.site,
                self.assembly.profiles,
                self.image,
                self.clock,
                on_problem=self.reports.problem,
                on_clear=self.reports.clear,
            )
            thread = BridgeThread(bridge, frozenset(one.address for one in self.assembly.commanded))
            self._threads += [thread, DecisionThread(self.cycle, thread.write)]
        self._threads.append(DecisionThread(self.cycle, self._keep))
        self._host_thread = Thread(target=self._live, name="controllers", daemon=True)
        start_beat(self.cycle, self.site.cycle)
        self._host.start()
        for each in self._threads:
            each.start()
        self._host_thread.start()
        if self.shadows.worlds:
            self._shadow_thread = Thread(target=self._shade, name="shadows", daemon=True)
            self._shadow_thread.start()

    def stop(self) -> None:
        """Idempotent. Every actuator goes to 0, bridges end orderly (they hand devices back); the cycle ends last."""
        self._shut_down()
        self._stopping.set()
        for thread in self._threads:
            thread.stop()
        self._threads.clear()
        self.cycle.stop()
        self._host.stop()
        self._keep_faults()
        self.estimators.keep(self.clock.utc_us(self.clock.now_ns()), at_once=True)
        self.retained.keep(self.clock.now_ns(), at_once=True)
        for ending in (self._host_thread, self._shadow_thread):
            if ending is not None:
                ending.join(STOP_S)
        self._host_thread = self._shadow_thread = None

    def _shut_down(self) -> None:
        """SHUTDOWN, and one more cycle that says so to the bridges."""
        if self.cycle.running and self.states.state != "SHUTDOWN":
            self.states.request("shutdown")
            self.cycle.wait_decisions(self.cycle.number, LAST_CYCLE_S)

    def _keep(self, _decisions: list[Decision]) -> None:
        self._keep_faults()
        now_ns = self.clock.now_ns()
        self.estimators.keep(self.clock.utc_us(now_ns))
        self.retained.keep(now_ns)

    def _keep_faults(self) -> None:
        self.faults.keep(self.clock.utc_us(self.clock.now_ns()))

    def _live(self) -> None:
        after = self.cycle.number
        while not self._stopping.is_set():
            snapshot = self._host.wait(after, WAIT_S)
            if snapshot is None:
                continue
            after = snapshot.cycle
            try:
                self.turn(snapshot)
            except Exception:
                log.exception("turn failed; the controllers' proposals live out their lifetime")

    def _shade(self) -> None:
        """Shadows have a thread of their own and time enough: nothing waits for them."""
        after = self.cycle.number
        while not self._stopping.wait(SHADOW_EVERY_S):
            snapshot = self.cycle.wait(after, WAIT_S)
            if snapshot is None:
                continue
            after = snapshot.cycle
            try:
                self.shadows.turn(snapshot, self._observer.look())
            except Exception:
                log.exception("shadows failed; what they book has a gap")

    # ---- one cycle

    def step(self, time_ns: int) -> list[Decision]:
        """One whole cycle at ``time_ns`` of a simulated clock."""
        if self._rules_ns is None:
            self._before_the_first_turn(time_ns)
        snapshot = self.cycle.begin(time_ns)
        self.turn(snapshot)
        decisions = self.cycle.finish()
        if self.shadows.worlds:
            self.shadows.turn(snapshot, self._observer.look())
        self._keep(decisions)
        return decisions

    def turn(self, snapshot: Snapshot) -> None:
        """Controllers and manual source propose; then derived channels and alarms follow."""
        self.requests.expire(snapshot.time_ns)
        self._host.turn(snapshot)
        self.overrides.propose(self.cycle, snapshot)
        self._islanding.update(snapshot)
        self._load.update(snapshot)
        self._totals.update(snapshot)
        self._grid_values.update(snapshot)
        self._outside.update(snapshot)
        self.limit_record.update(snapshot)
        if self.schedule is not None:
            self.schedule.update(snapshot)
        if self._rules_ns is None or snapshot.time_ns - self._rules_ns >= RULES_EVERY_NS:
            self._rules_ns = snapshot.time_ns
            self.wall_clock.update(snapshot.time_ns)
            if self.tells_alarms:
                self._judge(snapshot)

    def _before_the_first_turn(self, time_ns: int) -> None:
        """The time of day, what was retained, numbers that screens draw, and no failure yet; they never go stale."""
        self.wall_clock.update(time_ns)
        self.retained.restore(time_ns)
        for controller in self.assembly.controllers:
            for name, value in control_settings(controller.settings).items():
                self.image.publish(self.image.handle(f"{controller.id}/{name}"), value, time_ns)
            self.image.publish(self.image.handle(f"{controller.id}/failures"), 0.0, time_ns)

    def _judge(self, snapshot: Snapshot) -> None:
        """Alarms, from this snapshot and the decisions and faults of the cycle before it."""
        decisions, stale = self.cycle.decisions(), self._facts.stale(snapshot)
        facts = self._facts.facts(
            snapshot,
            decisions,
            self._cycle_statistics(),
            stale=stale if self.state != "INIT" else {},
            lost=self.reports.lost(),
            problems=self.reports.problems(),
            failing=self._host.failing(),
            faults=self.faults,
        )
        facts = replace(facts, clock_known=self.wall_clock.known)
        self.alarms.update(conditions(facts), self.clock.utc_us(snapshot.time_ns))

    def _cycle_statistics(self) -> CycleStatistics:
        """A cycle that is stepped measures no time: the first statistics stand for all."""
        if self.cycle.running:
            return self.cycle.statistics()
        if self._stepped_statistics is None:
            self._stepped_statistics = self.cycle.statistics()
        return self._stepped_statistics

    def _emit(self, event: Event) -> None:
        try:
            self.on_event(event)
        except Exception:
            log.exception("event lost", extra={"event_code": event.code, "event_kind": event.kind})


def _host(assembly: Assembly, *, processes: bool) -> LocalHost | ProcessHosts:
    site, parts = assembly.site, (assembly.controllers, assembly.image, assembly.cycle, assembly.actuators)
    if not processes:
        return LocalHost(*parts, site.cycle.period_s)
    settings = site.controller_processes
    return ProcessHosts(
        *parts, site.cycle.period_s, assembly.clock, Limits(settings.memory_limit_mb, settings.silent_after_s)
    )


def _schedule_feed(assembly: Assembly, data: Path | None, schedule: Schedule | None) -> ScheduleFeed | None:
    """None when no controller of this site follows one."""
    if not follows_schedule(assembly.controllers):
        return None
    store = None if data is None else ScheduleStore(data)
    return ScheduleFeed(assembly.image, assembly.of_kind("ess"), store, schedule)


def _ranges(assembly: Assembly) -> dict[str, tuple[float, float]]:
    """What the profiles allow to be set, by actuator; a cluster's members have limits of their own."""
    ranges = {}
    for one in assembly.commanded:
        low = float("-inf") if one.row.minimum is None else one.row.minimum
        ranges[one.address] = (low, float("inf") if one.row.maximum is None else one.row.maximum)
    return ranges
