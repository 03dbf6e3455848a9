"""What somebody outside may ask: its channels and its guards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Final

from simems_core import Channel, Guard

from simems_edge.config import Site
from simems_edge.devices import Profile
from simems_edge.runtime.commanded import Commanded

IMPORT_LIMIT: Final = "site/external_import_limit_w"
EXPORT_LIMIT: Final = "site/external_export_limit_w"
DIMMING_LIMIT: Final = "site/external_dimming_limit_w"
INPUTS: Final = (IMPORT_LIMIT, EXPORT_LIMIT, DIMMING_LIMIT)
"""Written by whoever brings the wish: a bridge, a command, a replay."""
LIMIT_STATES: Final = {0: "none", 1: "given", 2: "held: the last one is no longer valid", 3: "failsafe"}
DIMMING_STATES: Final = {0: "released", 1: "contact", 2: "limit", 3: "not known: treated as active"}


def outside_channels(site: Site) -> list[Channel]:
    """Limits and their states; those of dimming only where the site file has it."""
    external, dimming = site.site.grid.external, site.site.dimming
    stale_after_s = inf if external is None else external.silent_after_s
    rows = [Channel(address, unit="W", resolution=1.0, stale_after_s=stale_after_s) for address in INPUTS[:2]]
    rows += [_state(f"site/external_{side}_state", LIMIT_STATES) for side in ("import", "export")]
    if dimming is None:
        return rows
    silent_s = inf if dimming.silent_after_s is None else dimming.silent_after_s
    rows.append(Channel(DIMMING_LIMIT, unit="W", resolution=1.0, stale_after_s=silent_s))
    rows.append(_state("site/dimming_state", DIMMING_STATES))
    rows += [Channel(f"site/dimming_{name}_w", unit="W", resolution=1.0, stale_after_s=inf) for name in _SHOWN]
    return rows


_SHOWN = ("limit", "power")


def _state(address: str, labels: Mapping[int, str]) -> Channel:
    return Channel(address, kind="enum", labels=labels, stale_after_s=inf)


def external_guard(site: Site, grid: str) -> Guard:
    """Tighter limits of the connection, whose own guard stands before it."""
    external = site.site.grid.external
    fails = (None, None) if external is None else (external.import_failsafe_w, external.export_failsafe_w)
    after_s = 0.0 if external is None else external.silent_after_s
    import_fails, export_fails = (None if limit_w is None else (limit_w, after_s) for limit_w in fails)
    return Guard.external(
        f"{grid}/active_power_w", import_limit=(IMPORT_LIMIT, import_fails), export_limit=(EXPORT_LIMIT, export_fails)
    )


def dimming_guard(site: Site, profiles: Mapping[str, Profile], every: Sequence[Commanded]) -> Guard | None:
    """What the controllable devices draw, less what PV and other batteries give; None without such a section."""
    dimming = site.site.dimming
    if dimming is None:
        return None
    members = [one for one in every if one.component.id in dimming.devices and one.role in {"storage", "load"}]
    offsets = [
        name for name, profile in profiles.items() if profile.kind in {"pv", "ess"} and name not in dimming.devices
    ]
    after_s = dimming.silent_after_s
    return Guard.dimming(
        [one.address for one in members],
        measured=[one.measured for one in members],
        gains=[one.gain for one in members],
        least_limit_w=dimming.limit_w,
        contacts=[(one.channel, one.active_when == "closed", one.unknown_after_s) for one in dimming.contacts],
        value=(DIMMING_LIMIT, None if after_s is None else (dimming.limit_w, after_s)),
        consumers=[(f"{one.component}/active_power_w", one.rated_w) for one in dimming.consumers],
        sources=[f"{name}/active_power_w" for name in offsets],
    )
