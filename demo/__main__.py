"""``make demo``: start everything, print the READY line, stop everything on Ctrl-C."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import time
import urllib.parse
import urllib.request
from datetime import UTC, datetime, timedelta
from types import FrameType

from demo import commands, prepare
from demo.processes import Family, answers, busy, run
from demo.settings import DemoError, Settings, from_environment

FRESH = timedelta(seconds=10)


def main() -> int:
    arguments = _arguments()
    try:
        settings = from_environment()
        if arguments.fresh:
            shutil.rmtree(settings.data, ignore_errors=True)
        return demonstrate(settings, arguments.exit_when_ready)
    except DemoError as problem:
        print(f"demo: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def demonstrate(settings: Settings, exit_when_ready: bool) -> int:
    """Start, wait for a stop, and leave no process behind."""
    _refuse_busy_ports(settings)
    settings.edge_data.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(settings.data / "logs", ignore_errors=True)
    family = Family(settings.data / "logs")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: family.stopping.set())
    try:
        print(_ready_line(settings, start(settings, family)), flush=True)
        while not exit_when_ready and not family.stopping.wait(0.5):
            family.check()
    finally:
        signal.signal(signal.SIGINT, _impatient)
        _say("stopping")
        family.stop()
    return 0


def start(settings: Settings, family: Family) -> prepare.Credentials:
    """Every process in order, each step said as it begins."""
    began = time.monotonic()
    who = prepare.credentials(settings)
    prepare.write_site_file(settings, prepare.server_key(settings))
    _say("cloud: database, API and ingest")
    family.start(commands.cloud(settings))
    if settings.history_days:
        _say(f"history: simulating what is missing of the past {settings.history_days} days")
        run(commands.backfill(settings), {})
    _say("plant: meter, PV and battery as Modbus servers")
    family.start(commands.plant(settings))
    family.wait_until("the cloud", lambda: answers(f"{settings.portal_url}/readyz"), 60)
    prepare.accounts(settings, who)
    _say("edge: cycle, controllers, uplink and screen")
    family.start(commands.edge(settings, who.pin))
    family.wait_until("the site screen", lambda: answers(f"{settings.hmi_url}/readyz"), 60)
    token = _sign_in(settings, who)
    family.wait_until("live values in the cloud", lambda: _live(settings, token), 60)
    _say(f"live after {time.monotonic() - began:.0f} s")
    return who


def _sign_in(settings: Settings, who: prepare.Credentials) -> str:
    form = urllib.parse.urlencode({"username": who.user, "password": who.password}).encode()
    url = f"{settings.portal_url}/api/v1/auth/token"
    with urllib.request.urlopen(url, data=form, timeout=10) as answer:  # noqa: S310 - our own http URL
        return str(json.load(answer)["access_token"])


def _live(settings: Settings, token: str) -> bool:
    """Whether the portal's API has a measurement that is a few seconds old."""
    site = settings.document()["site"]["id"]
    request = urllib.request.Request(  # noqa: S310 - our own http URL
        f"{settings.portal_url}/api/v1/sites/{site}/latest", headers={"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - our own http URL
            times = [value["time"] for value in json.load(answer)["values"].values() if value["time"]]
    except OSError:
        return False
    return any(datetime.now(UTC) - datetime.fromisoformat(time) < FRESH for time in times)


def _refuse_busy_ports(settings: Settings) -> None:
    for variable, port in settings.ports().items():
        if busy(port):
            raise DemoError(f"port {port} is in use; end what listens there or set {variable} to a free one")


def _ready_line(settings: Settings, who: prepare.Credentials) -> str:
    return (
        f"READY portal={settings.portal_url} hmi={settings.hmi_url} "
        f"user={who.user} password={who.password} pin={who.pin}"
    )


def _say(text: str) -> None:
    print(f"demo: {text}", file=sys.stderr, flush=True)


def _impatient(_number: int, _frame: FrameType | None) -> None:
    _say("already stopping, a moment")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="demo",
        description="A simulated site, its edge, the cloud and both screens.",
        epilog="Ports and folder by environment: SIMEMS_PORTAL_PORT, SIMEMS_HMI_PORT, SIMEMS_INGEST_PORT, "
        "SIMEMS_PLANT_PORT, SIMEMS_MODBUS_PORT (first of several), SIMEMS_DEMO_SITE, "
        "SIMEMS_DEMO_DIR, SIMEMS_DEMO_DAYS. "
        "Example: SIMEMS_PORTAL_PORT=9000 make demo",
    )
    parser.add_argument("--fresh", action="store_true", help="forget what earlier demonstrations left")
    parser.add_argument("--exit-when-ready", action="store_true", help="stop again once everything answers")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
