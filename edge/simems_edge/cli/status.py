"""``simems-edge status``: asks a running edge over its local interface."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import click

from simems_edge.cli.errors import WRONG, BadInputError, UnreachableError
from simems_edge.cli.output import json_option, print_json, print_table

DEFAULT_URL = "http://127.0.0.1:8080"
TIMEOUT_S = 5.0
EXAMPLES = """
\b
Examples:
  simems-edge status
  simems-edge status --url http://192.168.1.10:8080 --json
"""


@click.command(epilog=EXAMPLES)
@click.option("--url", default=DEFAULT_URL, show_default=True, help="Where the edge's interface listens.")
@json_option
@click.pass_context
def command(ctx: click.Context, *, url: str, as_json: bool) -> None:
    """Ask a running edge how it is: control, alarms, what waits for the cloud, since when, and the state of the link.

    Exit code 0: ready, no alarm; 1: not ready or an alarm stands; 3: nobody answers.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        raise BadInputError(f"--url: {url}: is no web address; use for example {DEFAULT_URL}")
    state = _ask_all(url.rstrip("/"))
    if as_json:
        print_json(state)
    else:
        _print(state)
    alarmed = any(alarm["severity"] == "alarm" for alarm in state["alarms"])
    ctx.exit(WRONG if alarmed or not state["ready"]["ready"] else 0)


def _ask_all(url: str) -> dict[str, Any]:
    paths = {
        "site": "/api/v1/site", "latest": "/api/v1/latest", "alarms": "/api/v1/alarms?active=true",
        "cycle": "/api/v1/cycle", "sync": "/api/v1/sync", "ready": "/readyz",
    }  # fmt: skip
    return {name: _ask(url + path) for name, path in paths.items()}


def _ask(url: str) -> Any:  # noqa: ANN401 - whatever JSON the edge answers
    try:
        with urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 - the scheme was checked
            return json.load(answer)
    except HTTPError as error:
        if error.code == 503:
            return json.load(error)
        raise UnreachableError(f"{url}: answers {error.code}; is this an edge?") from error
    except (URLError, HTTPException, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise UnreachableError(f"{url}: no answer ({reason}); is the edge running, and is --url right?") from error


def _print(state: dict[str, Any]) -> None:
    latest, sync, cycle = state["latest"], state["sync"], state["cycle"]
    failing = [name for name, good in state["ready"]["checks"].items() if not good]
    print_table(
        ("what", "state"),
        [
            ("site", f"{state['site']['id']} ({state['site']['name']})"),
            ("ready", "yes" if state["ready"]["ready"] else f"no: {', '.join(failing)}"),
            ("mode", f"{latest['state']} / {latest['control_mode']}"),
            ("why", latest["why"]["text"]),
            *_cycle_rows(cycle),
            *_sync_rows(sync, datetime.now(UTC)),
            *(("alarm", f"{alarm['severity']}: {alarm['component']}: {alarm['text']}") for alarm in state["alarms"]),
        ],
    )
    click.echo()
    print_table(("channel", "value", "quality"), _rows(state))


def _sync_rows(sync: dict[str, Any], now: datetime) -> list[tuple[str, str]]:
    """The link, what waits for it, when the cloud last took something, and how wrong this box's clock is."""
    oldest, acked = (_age(sync[name], now) for name in ("oldest_unsent_at", "last_ack_at"))
    waits = "none" if sync["queue_frames"] == 0 else f"{sync['queue_frames']} frames, the oldest from {oldest}"
    offset_s = sync["clock_offset_s"]
    rows = [
        ("cloud", f"{sync['link']}: {sync['error']}" if sync["error"] else sync["link"]),
        ("unsent", waits),
        ("last ack", f"{acked} (record {sync['acked_sequence']} of {sync['last_sequence']})"),
        ("cloud's time", "not known" if offset_s is None else f"{offset_s:+.3f} s against this box"),
    ]
    return [*rows, *_loss_rows(sync)]


LOSSES = {
    "thinned_rows": ("thinned", "rows of the oldest unsent values: the buffer was full"),
    "dropped_frames": ("lost", "frames of values: the buffer was full"),
    "dropped_events": ("lost", "frames of alarms and actions: the buffer was full"),
    "lost_in_memory": ("lost", "records since the start: the disk refused them for too long"),
    "refused_frames": ("set aside", "frames that the cloud cannot store"),
}


def _loss_rows(sync: dict[str, Any]) -> list[tuple[str, str]]:
    """What is not, or not wholly, on its way to the cloud; an older edge does not tell all of it."""
    return [(what, f"{sync[name]} {why}") for name, (what, why) in LOSSES.items() if sync.get(name)]


def _age(moment: str | None, now: datetime) -> str:
    return (
        "never" if moment is None else f"{max(0.0, (now - datetime.fromisoformat(moment)).total_seconds()):.0f} s ago"
    )


def _cycle_rows(cycle: dict[str, Any]) -> list[tuple[str, str]]:
    late = ", ".join(f"{name} {cycle[f'lateness_us_{name}']:.0f}" for name in ("p50", "p99", "p999", "max"))
    phases = ", ".join(f"{name} {times['us_p99']:.0f}" for name, times in cycle["phases"].items())
    known = [cycle["input_age_s_p50"], cycle["input_age_s_max"]]
    median, largest = ("-" if age_s is None else f"{age_s:.2f} s" for age_s in known)
    granted = [name for name, given in (("SCHED_FIFO", "realtime"), ("locked memory", "memory_locked")) if cycle[given]]
    return [
        ("cycle", f"{cycle['cycles']} done, {cycle['overruns']} over, {cycle['skipped']} skipped"),
        ("late", f"{late} us; {cycle['lateness_1min_us_max']:.0f} us at most in the last minute"),
        ("work", f"p50 {cycle['work_us_p50']:.0f}, p99 {cycle['work_us_p99']:.0f}, max {cycle['work_us_max']:.0f} us"),
        ("phases", f"p99 in us: {phases}"),
        ("inputs", f"{median} old in the middle, {largest} at most"),
        ("real time", ", ".join(granted) or "nothing granted: see the log of the start"),
    ]


def _rows(state: dict[str, Any]) -> list[tuple[str, str, str]]:
    units = {c["address"]: c["unit"] for c in _channels(state["site"])}
    return [
        (address, "-" if v["value"] is None else f"{v['value']:.6g} {units.get(address, '')}".strip(), v["quality"])
        for address, v in state["latest"]["values"].items()
    ]


def _channels(site: dict[str, Any]) -> list[dict[str, Any]]:
    return [*site["channels"], *(channel for component in site["components"] for channel in component["channels"])]
