"""What only the process of an edge can do for a command: start anew, tell how it is, make new keys."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from simems_edge.cli.site_file import check_site
from simems_edge.commands.configuration import HEALTHY_S, TRIAL_S, Configuration
from simems_edge.commands.desk import CommandDesk
from simems_edge.commands.diagnostics import RecentLog, bundle
from simems_edge.config.parse import read_document
from simems_edge.hmi import LocalEdge
from simems_edge.sync import Identity
from simems_edge.sync.identity import IdentityError

log = logging.getLogger(__name__)
LOOK_S = 0.5


class EdgeBox:
    """``stop`` ends the process in an orderly way; ``again`` then says that it shall start anew."""

    def __init__(self, site_file: Path, identity: Identity, recent: RecentLog | None, stop: asyncio.Event) -> None:
        self._site_file, self._identity, self._recent, self._stop = site_file, identity, recent, stop
        self.edge: LocalEdge
        self.again = False

    def restart(self, because: str) -> None:
        """After a moment, so that the answer leaves before."""
        log.warning("starting anew", extra={"because": because})
        self.again = True
        asyncio.get_running_loop().call_later(LOOK_S, self._stop.set)

    async def diagnostics(self) -> bytes:
        edge = self.edge
        parts: dict[str, object] = {
            "latest": edge.latest().model_dump(mode="json"),
            "cycle": edge.cycle().model_dump(mode="json"),
            "alarms": [one.model_dump(mode="json") for one in edge.alarms(active=None)],
            "faults": [one.model_dump(mode="json") for one in edge.faults()],
            "overrides": [one.model_dump(mode="json") for one in edge.overrides()],
            "sync": (await edge.sync()).model_dump(mode="json"),
            "checks": edge.checks(),
        }
        recent = "" if self._recent is None else self._recent.text()
        return await asyncio.to_thread(bundle, parts, recent, read_document(self._site_file))

    def rotate_key(self) -> str:
        try:
            self._identity.begin_rotation()
        except IdentityError as error:
            return str(error)
        return ""


def problems_of(site_id: str) -> Callable[[Path], list[str]]:
    """What is wrong with another file for the site that runs now."""

    def problems(path: Path) -> list[str]:
        site, found = check_site(path)
        if found or site is None:
            return [str(problem) for problem in found] or ["not a site file"]
        if site.site.id != site_id:
            return [f"site.id: {site.site.id!r}: is not this site, which is {site_id!r}"]
        return []

    return problems


async def judge_trial(configuration: Configuration, desk: CommandDesk, box: EdgeBox) -> None:
    """While a configuration is on trial: kept once as healthy as before for long enough, else taken back."""
    trial = configuration.trial
    loop = asyncio.get_running_loop()
    began_s, healthy_since_s = loop.time(), None
    while trial is not None:
        checks, now_s = configuration.checks(), loop.time()
        failing = [name for name in trial.healthy_before if not checks.get(name, False)]
        healthy_since_s = None if failing else (healthy_since_s or now_s)
        if healthy_since_s is not None and now_s - healthy_since_s >= HEALTHY_S:
            await asyncio.to_thread(configuration.keep)
            desk.trial_ended(configuration)
            log.info("the new configuration is kept")
            break
        if now_s - began_s >= TRIAL_S:
            await asyncio.to_thread(configuration.roll_back, f"not as healthy as before: {', '.join(failing)}")
            box.restart("the new configuration was taken back")
            break
        await asyncio.sleep(LOOK_S)
    await asyncio.Event().wait()
