"""Figures of the edge for Prometheus, read when somebody asks; each edge has its own registry."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from simems_edge.buffer import Status
from simems_edge.hmi.schemas import Alarm, CycleHealth, Latest

MICROSECONDS = 1e-6
TIMES = {
    "work": "Work of the cycle.",
    "lateness": "Lateness of the cycle.",
    "lateness_1min": "Lateness of the cycle in the last minute.",
}
QUANTILES = (("p50", "0.5"), ("p99", "0.99"), ("p999", "0.999"), ("max", "1"))


class EdgeFigures(Collector):
    """Each source is asked at scrape time and must not block for long."""

    def __init__(
        self,
        *,
        cycle: Callable[[], CycleHealth],
        alarms: Callable[[], list[Alarm]],
        latest: Callable[[], Latest],
        buffer: Callable[[], Status],
        checks: Callable[[], dict[str, bool]],
    ) -> None:
        self._cycle, self._alarms, self._latest, self._buffer, self._checks = cycle, alarms, latest, buffer, checks

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked at registration."""
        return []

    def collect(self) -> Iterable[Metric]:
        yield from self._of_cycle(self._cycle())
        yield from self._of_buffer(self._buffer())
        yield self._of_alarms(self._alarms())
        yield self._of_channels(self._latest())
        for name, good in self._checks().items():
            yield GaugeMetricFamily(f"simems_{name}_up", f"1 when {name} does its work.", value=float(good))

    def _of_cycle(self, cycle: CycleHealth) -> Iterable[Metric]:
        yield CounterMetricFamily("simems_cycles", "Completed control cycles.", value=cycle.cycles)
        yield CounterMetricFamily("simems_cycle_overruns", "Cycles longer than the period.", value=cycle.overruns)
        yield CounterMetricFamily("simems_cycle_skipped", "Slots left out after an overrun.", value=cycle.skipped)
        yield CounterMetricFamily("simems_late_proposals", "Proposals after the deadline.", value=cycle.late_proposals)
        yield CounterMetricFamily(
            "simems_refused_proposals", "Proposals that were nonsense.", value=cycle.refused_proposals
        )
        yield CounterMetricFamily(
            "simems_unfinished_splits", "Shared limits kept by the simpler split.", value=cycle.unfinished_splits
        )
        yield GaugeMetricFamily("simems_cycle_realtime", "1 when SCHED_FIFO was granted.", value=float(cycle.realtime))
        yield GaugeMetricFamily(
            "simems_cycle_memory_locked", "1 when memory is locked.", value=float(cycle.memory_locked)
        )
        for what, text in TIMES.items():
            family = GaugeMetricFamily(f"simems_cycle_{what}_seconds", text, labels=["quantile"])
            for name, label in QUANTILES:
                microseconds = getattr(cycle, f"{what}_us_{name}", None)
                if microseconds is not None:
                    family.add_metric([label], microseconds * MICROSECONDS)
            yield family
        yield self._of_phases(cycle)
        yield self._of_inputs(cycle)

    def _of_phases(self, cycle: CycleHealth) -> Metric:
        family = GaugeMetricFamily(
            "simems_cycle_phase_seconds", "Time of each phase of the cycle.", labels=["phase", "quantile"]
        )
        for phase, times in cycle.phases.items():
            family.add_metric([phase, "0.5"], times.us_p50 * MICROSECONDS)
            family.add_metric([phase, "0.99"], times.us_p99 * MICROSECONDS)
        return family

    def _of_inputs(self, cycle: CycleHealth) -> Metric:
        """Without what is not known."""
        family = GaugeMetricFamily(
            "simems_cycle_input_age_seconds", "Age of the mandatory inputs at the latch.", labels=["quantile"]
        )
        for label, age_s in (("0.5", cycle.input_age_s_p50), ("1", cycle.input_age_s_max)):
            if age_s is not None:
                family.add_metric([label], age_s)
        return family

    def _of_buffer(self, status: Status) -> Iterable[Metric]:
        yield GaugeMetricFamily("simems_buffer_queue_frames", "Frames not yet acknowledged.", value=status.queued)
        yield GaugeMetricFamily("simems_buffer_size_bytes", "Used size of the buffer.", value=status.size_bytes)
        yield GaugeMetricFamily("simems_buffer_sequence", "Last sequence given.", value=status.last_sequence)
        yield GaugeMetricFamily("simems_buffer_refused_frames", "Frames set aside.", value=status.refused)
        dropped = CounterMetricFamily("simems_buffer_dropped_frames", "Deleted unsent.", labels=["kind"])
        dropped.add_metric(["telemetry"], status.dropped_telemetry)
        dropped.add_metric(["events"], status.dropped_events)
        yield dropped
        yield CounterMetricFamily("simems_buffer_thinned_rows", "Rows given up unsent.", value=status.thinned_rows)

    def _of_alarms(self, alarms: list[Alarm]) -> Metric:
        family = GaugeMetricFamily("simems_active_alarms", "Alarms whose cause stands.", labels=["severity"])
        for severity in ("info", "warning", "alarm"):
            family.add_metric([severity], sum(alarm.severity == severity for alarm in alarms))
        return family

    def _of_channels(self, latest: Latest) -> Metric:
        family = GaugeMetricFamily("simems_channel_value", "Last valid value, in its unit.", labels=["channel"])
        for address, value in latest.values.items():
            if value.value is not None and value.quality in {"good", "forced"}:
                family.add_metric([address], value.value)
        return family


def registry_of(figures: EdgeFigures) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(figures)
    return registry
