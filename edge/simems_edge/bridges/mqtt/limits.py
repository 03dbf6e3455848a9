"""Limits that were asked for, until their time is over: kept over a restart, given again each second."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Final

import msgspec
from simems_core import ProcessImage

from simems_edge.buffer.durable import replace_durably
from simems_edge.config import MqttRequest, Site

log = logging.getLogger(__name__)
FILE: Final = "mqtt_limits.json"
CHANNELS: Final = {
    "import_limit": "site/external_import_limit_w",
    "export_limit": "site/external_export_limit_w",
    "dimming_limit": "site/external_dimming_limit_w",
}


class Standing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One limit. UTC in s."""

    sets: str
    value_w: float
    begun_s: float
    ends_s: float


class Limits:
    """``folder``: where they outlast a restart. Thread-safe."""

    def __init__(self, site: Site, image: ProcessImage, folder: Path, now_ns: Callable[[], int]) -> None:
        self._image, self._path, self._now_ns = image, folder / FILE, now_ns
        self._release = _releases(site)
        self._allowed = {one.sets: one for one in (site.mqtt.requests if site.mqtt else ()) if one.sets in CHANNELS}
        self._standing: dict[str, Standing] = {}
        self._lock = Lock()

    def restore(self, now_s: float) -> None:
        """Those from before the restart whose time is not over, as far as they may still be asked for."""
        try:
            found = msgspec.json.decode(self._path.read_bytes(), type=list[Standing])
        except FileNotFoundError:
            return
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            log.warning("kept limits cannot be read", extra={"error": str(error)})
            return
        self._standing = {one.sets: one for one in found if self._still(one, now_s)}

    def _still(self, one: Standing, now_s: float) -> bool:
        request = self._allowed.get(one.sets)
        return request is not None and _inside(one, request) and one.begun_s <= now_s < one.ends_s

    def set(self, sets: str, value_w: float, duration_s: float, now_s: float) -> None:
        """Raises OSError when it cannot be kept; it is not set then."""
        with self._lock:
            after = self._standing | {sets: Standing(sets, value_w, now_s, now_s + duration_s)}
            self._keep(after)
            self._standing = after
            self._publish(sets, value_w)

    def repeat(self, now_s: float) -> list[str]:
        """Give each again; those that ended are named and released: by the site's own limit, or (where the site file
        has a failsafe for silence) by silence."""
        with self._lock:
            ended = [sets for sets, one in self._standing.items() if not one.begun_s - 1.0 <= now_s < one.ends_s]
            if ended:
                self._standing = {sets: one for sets, one in self._standing.items() if sets not in ended}
                self._release_all(ended)
            for sets, one in self._standing.items():
                self._publish(sets, one.value_w)
        return ended

    def _release_all(self, ended: list[str]) -> None:
        for sets in ended:
            value_w = self._release[sets]
            if value_w is not None:
                self._publish(sets, value_w)
        try:
            self._keep(self._standing)
        except OSError as error:
            log.warning("ended limits cannot be taken off the disk", extra={"error": str(error)})

    def _keep(self, standing: dict[str, Standing]) -> None:
        replace_durably(self._path, msgspec.json.encode(list(standing.values())))

    def _publish(self, sets: str, value_w: float) -> None:
        handle = self._image.find(CHANNELS[sets])
        if handle is not None:
            self._image.publish(handle, value_w, self._now_ns())


def _inside(one: Standing, request: MqttRequest) -> bool:
    duration_s = one.ends_s - one.begun_s
    return (
        math.isfinite(one.value_w)
        and request.minimum <= one.value_w <= request.maximum
        and 0 < duration_s <= request.longest_s
    )


def _releases(site: Site) -> dict[str, float | None]:
    """What is published when a limit ends; None: nothing, so that the site file's failsafe holds."""
    grid, dimming = site.site.grid, site.site.dimming
    silent = dimming is not None and dimming.silent_after_s is not None
    external = grid.external
    import_failsafe_w = None if external is None else external.import_failsafe_w
    export_failsafe_w = None if external is None else external.export_failsafe_w
    return {
        "import_limit": grid.import_limit_w if import_failsafe_w is None else None,
        "export_limit": grid.export_limit_w if export_failsafe_w is None else None,
        "dimming_limit": None if silent else grid.import_limit_w,
    }
