"""The browser, and what the specs of ``ui/e2e`` need to know of a running system."""

from __future__ import annotations

import shutil

from tests.system.conftest import System

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def environment_of(system: System) -> dict[str, str]:
    return {
        "SIMEMS_PORTAL_URL": system.settings.portal_url,
        "SIMEMS_HMI_URL": system.settings.hmi_url,
        "SIMEMS_USER": system.who.user,
        "SIMEMS_PASSWORD": system.who.password,
        "SIMEMS_PIN": system.who.pin,
        "SIMEMS_CHROMIUM": str(CHROMIUM),
    }
