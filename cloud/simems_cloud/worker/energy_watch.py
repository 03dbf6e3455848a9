"""The cloud's own alarm: a register and the integrated power tell different energies."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from simems_cloud.alarms.events import QUERIES as ALARMS
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.live import live_payload
from simems_cloud.telemetry.energy_check import differences, in_words
from simems_cloud.telemetry.rolling import QUERIES, Turn

CODE = "cloud.energy_mismatch"
TEXT = "A register and the integrated power tell different energies"
EFFECT = "Figures that come from one of the two are wrong, bills among them."
REMEDY = "Check the meter's ratio and the unit, scaling and sign of both channels in the device's profile."
PERIOD_S = 60.0
RECENT = timedelta(hours=1)
Site = tuple[UUID, str]


class EnergyWatch:
    """Looks at what was rolled up, at each site once a minute at most."""

    def __init__(self, pool: Pool, *, period_s: float = PERIOD_S) -> None:
        self._pool, self._period_s = pool, period_s
        self._looked: dict[Site, float] = {}

    async def look(self, turns: Mapping[Site, Turn]) -> None:
        now = time.monotonic()
        self._looked = {site: at for site, at in self._looked.items() if now - at < self._period_s}
        for site, turn in turns.items():
            if site not in self._looked:
                self._looked[site] = now
                await self._judge(site, turn.until)

    async def _judge(self, site: Site, until: datetime) -> None:
        """Late data may raise the alarm; only the newest clear it."""
        tenant_id, site_id = site
        async with transaction(self._pool, tenant=tenant_id) as connection:
            found = await differences(connection, site_id, until)
            device_id = await connection.fetchval(QUERIES["device_of_site"], site_id)
            changed = None
            if found and device_id is not None:
                words = (TEXT, in_words(found), EFFECT, REMEDY)
                row = (site_id, device_id, CODE, "warning", found[0].component, *words)
                changed = await connection.fetchval(ALARMS["raise_own"], *row)
            elif device_id is not None and until > datetime.now(UTC) - RECENT:
                changed = await connection.fetchval(ALARMS["clear_own"], device_id, CODE)
            if changed:
                await connection.execute(ALARMS["notify"], live_payload(tenant_id, site_id, "alarms"))
