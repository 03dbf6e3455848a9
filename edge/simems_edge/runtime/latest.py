"""What the last cycle saw and decided, in the shape of ``GET /latest``."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isnan

from simems_core import STALE, Decision, Snapshot
from simems_core.why import AGE_SUFFIX, Why, explain

from simems_edge.contracts import control_settings
from simems_edge.runtime.assembly import MANUAL_SOURCE, Assembly

QUALITIES = ("good", "stale", "bad", "forced")


class LatestView:
    """Builds the answer from a snapshot; ``channels`` stay in the image's order."""

    def __init__(self, assembly: Assembly) -> None:
        self._clock = assembly.clock
        self._addresses = [channel.address for channel in assembly.image.channels]
        self.sources = {c.id: c.spec.type for c in assembly.controllers} | {MANUAL_SOURCE: "manual"}
        self.settings = site_settings(assembly)
        self._needed = {str(ref) for c in assembly.controllers for ref in c.settings.references().values()}

    def latest(self, snapshot: Snapshot, decisions: list[Decision], state: str, control_mode: str) -> dict[str, object]:
        why = self.why(snapshot, decisions)
        return {
            "time": _iso(self._clock.utc_us(snapshot.time_ns)),
            "cycle": snapshot.cycle,
            "state": state,
            "control_mode": control_mode,
            "why": {
                "code": why.code,
                "params": dict(why.params),
                "text": why.text,
                "source": why.source,
                "bound": why.bound,
            },
            "values": self._values(snapshot),
        }

    def why(self, snapshot: Snapshot, decisions: list[Decision]) -> Why:
        """Of the first actuator; ``idle`` when the site has none."""
        if not decisions:
            return Why(code="idle", text="Idle: there is nothing to control.")
        decision = decisions[0]
        values = self._known(snapshot) | {f"{decision.address}_setpoint": decision.setpoint}
        return explain(
            decision.reason, sources=self.sources, values=values, settings=self.settings, actuator=decision.address
        )

    def _known(self, snapshot: Snapshot) -> dict[str, float]:
        """Values by address; of the devices that controllers need, also what is missing and for how long."""
        known: dict[str, float] = {}
        rows = zip(self._addresses, snapshot.values, snapshot.qualities, snapshot.times_ns, strict=True)
        for address, value, quality, time_ns in rows:
            needed = address.partition("/")[0] in self._needed
            if needed or not isnan(value):
                known[address] = value
            if needed and quality == STALE and not isnan(value):
                known[address + AGE_SUFFIX] = (snapshot.time_ns - time_ns) * 1e-9
        return known

    def _values(self, snapshot: Snapshot) -> dict[str, object]:
        rows = zip(self._addresses, snapshot.values, snapshot.qualities, snapshot.times_ns, strict=True)
        return {address: self._value(value, quality, time_ns) for address, value, quality, time_ns in rows}

    def _value(self, value: float, quality: int, time_ns: int) -> dict[str, object]:
        known = not isnan(value)
        return {
            "value": value if known else None,
            "quality": QUALITIES[quality],
            "time": _iso(self._clock.utc_us(time_ns)) if known else None,
        }


def site_settings(assembly: Assembly) -> dict[str, float]:
    """Numbers screens draw: ``peak0/threshold_w``, ``site/import_limit_w``."""
    limits = assembly.site.site.grid
    settings = {"site/import_limit_w": limits.import_limit_w, "site/export_limit_w": limits.export_limit_w}
    for component in assembly.site.components:
        if component.guards.soc_pct is not None:
            low, high = component.guards.soc_pct
            settings |= {f"{component.id}/minimum_soc_pct": low, f"{component.id}/maximum_soc_pct": high}
    for controller in assembly.controllers:
        settings |= {f"{controller.id}/{name}": value for name, value in control_settings(controller.settings).items()}
    return settings


def _iso(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
