"""Figures of the edge for Prometheus, read when somebody asks; each edge has its own registry."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from simems_edge.buffer import Status
from simems_edge.hmi.schemas import Alarm, CycleHealth, Latest

MICROSECONDS = 1e-6


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
        for what in ("work", "lateness"):
            text = f"{what.capitalize()} of the cycle."
            family = GaugeMetricFamily(f"simems_cycle_{what}_seconds", text, labels=["quantile"])
            for name, label in (("p50", "0.5"), ("p99", "0.99"), ("max", "1")):
                family.add_metric([label], getattr(cycle, f"{what}_us_{name}") * MICROSECONDS)
            yield family

    def _of_buffer(self, status: Status) -> Iterable[Metric]:
        yield GaugeMetricFamily("simems_buffer_queue_frames", "Frames not yet acknowledged.", value=status.queued)
        yield GaugeMetricFamily("simems_buffer_size_bytes", "Used size of the buffer.", value=status.size_bytes)
        yield GaugeMetricFamily("simems_buffer_sequence", "Last sequence given.", value=status.last_sequence)
        yield GaugeMetricFamily("simems_buffer_refused_frames", "Frames set aside.", value=status.refused)
        dropped = CounterMetricFamily("simems_buffer_dropped_frames", "Deleted unsent.", labels=["kind"])
        dropped.add_metric(["telemetry"], status.dropped_telemetry)
        dropped.add_metric(["events"], status.dropped_events)
        yield dropped

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
