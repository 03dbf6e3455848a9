"""Look at all rules of one tenant, raise and clear; the same look twice changes nothing more."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from simems_cloud.alarms.anomalies import Finding, Minutes, find, unbalanced
from simems_cloud.alarms.judge import Look, Verdict, judge
from simems_cloud.alarms.rules import QUERIES, ROLLED_UP, SAMPLED, Kind, Rule, columns, rules_of
from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.kit.live import live_payload
from simems_cloud.sites.plant import power_channels, total


async def look_at_values(pool: Pool, tenant_id: UUID, stale_after_s: float) -> int:
    """The kinds that need the newest values, and the events of devices. Returns how many alarms changed."""
    now = datetime.now(UTC)
    async with transaction(pool, tenant=tenant_id) as connection:
        rules = [rule for rule in await rules_of(connection) if rule.active]
        sites = await _sampled(connection, _of(rules, SAMPLED), now, stale_after_s)
        sites += await _events(connection, [rule for rule in rules if rule.kind == "event"])
        sites += await _escalate(connection, rules)
        await _tell(connection, tenant_id, sites)
    return len(sites)


async def look_at_minutes(pool: Pool, tenant_id: UUID, now: datetime | None = None) -> int:
    """The kinds that need figures of whole minutes. Returns how many alarms changed."""
    at = now or datetime.now(UTC)
    async with transaction(pool, tenant=tenant_id) as connection:
        rules = [rule for rule in await rules_of(connection) if rule.active]
        sites = await _rolled_up(connection, _of(rules, ROLLED_UP), at)
        for rule in rules:
            if rule.kind == "balance":
                sites += await _balance(connection, rule, at)
        await _tell(connection, tenant_id, sites)
    return len(sites)


def _of(rules: Iterable[Rule], kinds: tuple[Kind, ...]) -> dict[UUID, Rule]:
    return {rule.rule_id: rule for rule in rules if rule.kind in kinds}


async def _sampled(
    connection: Connection, rules: Mapping[UUID, Rule], now: datetime, stale_after_s: float
) -> list[str]:
    if not rules:
        return []
    rows = await connection.fetch(QUERIES["sampled"], *columns(rules.values()), stale_after_s)
    changed: list[str] = []
    states: list[tuple[UUID, str, str, datetime | None]] = []
    for row in map(dict, rows):
        rule = rules[row["rule_id"]]
        look = Look(
            row["value"], row["value_at"], row["quality"], bool(row["talks"]), row["since"], bool(row["standing"])
        )
        verdict = judge(rule, look, now)
        if verdict.since != look.since:
            states.append((rule.rule_id, row["site_id"], row["address"], verdict.since))
        changed += await _move(connection, rule, row, verdict)
    if states:
        await connection.execute(QUERIES["keep_states"], *(list(column) for column in zip(*states, strict=True)))
    return changed


async def _move(connection: Connection, rule: Rule, row: Mapping[str, Any], verdict: Verdict) -> list[str]:
    if verdict.move == "raise":
        finding = Finding(_said(rule, row), row["value"] if row["value"] is not None else 0.0)
        return await _raise(connection, rule, row, finding, verdict.since)
    return await _clear(connection, rule, row) if verdict.move == "clear" else []


def _said(rule: Rule, row: Mapping[str, Any]) -> str:
    if rule.kind == "stale":
        return f"no valid value since {row['value_at'].isoformat(timespec='seconds')}"
    side = "above" if rule.kind == "above" else "below"
    held = f" for at least {rule.for_s:g} s" if rule.for_s else ""
    return f"{row['value']:g} {row['unit']} is {side} {rule.threshold:g} {row['unit']}{held}"


async def _rolled_up(connection: Connection, rules: Mapping[UUID, Rule], at: datetime) -> list[str]:
    if not rules:
        return []
    changed: list[str] = []
    for row in map(dict, await connection.fetch(QUERIES["minutes"], *columns(rules.values()), at)):
        if not row["minutes"]:
            continue
        rule = rules[row["rule_id"]]
        figures = Minutes(row["minutes"], row["minimum"], row["maximum"], row["swing"], row["backwards"])
        finding = find(rule, figures, row["unit"])
        if finding is not None:
            changed += await _raise(connection, rule, row, finding, at)
        elif row["standing"]:
            changed += await _clear(connection, rule, row)
    return changed


async def _balance(connection: Connection, rule: Rule, at: datetime) -> list[str]:
    changed: list[str] = []
    span_s = max(rule.for_s, 300.0)
    for row in await connection.fetch(QUERIES["site_plants"], span_s, at, rule.rule_id, rule.site_id):
        place = {**dict(row), "address": "site/load_power_w"}
        finding = unbalanced(rule, _powers(row))
        if finding is not None:
            changed += await _raise(connection, rule, place, finding, at)
        elif row["standing"] is not None:
            changed += await _clear(connection, rule, place)
    return changed


def _powers(row: asyncpg.Record) -> dict[str, float | None]:
    components = [(component, kind) for component, kind in json.loads(row["components"])]
    means: dict[str, float | None] = json.loads(row["means"])
    plant = power_channels(components)
    chargers = [f"{component}/active_power_w" for component, kind in components if kind.lower() == "evcs"]
    parts = {"grid": plant.grid, "pv": plant.pv, "ess": plant.ess, "evcs": chargers, "load": plant.load}
    return {name: total(means, addresses) for name, addresses in parts.items()}


async def _raise(
    connection: Connection, rule: Rule, row: Mapping[str, object], finding: Finding, since: datetime | None
) -> list[str]:
    address = str(row["address"])
    made = await connection.fetchval(
        QUERIES["raise_by_rule"],
        *(row["site_id"], row["device_id"], f"rule.{rule.kind}", rule.severity, address.partition("/")[0]),
        *(f"{rule.name}: {address}", finding.text, rule.remedy, since or datetime.now(UTC)),
        *(rule.rule_id, address, finding.value),
    )
    return [] if made is None else [str(row["site_id"])]


async def _clear(connection: Connection, rule: Rule, row: Mapping[str, object]) -> list[str]:
    done = await connection.fetchval(QUERIES["clear_by_rule"], rule.rule_id, row["site_id"], row["address"])
    return [] if done is None else [str(row["site_id"])]


async def _events(connection: Connection, rules: Iterable[Rule]) -> list[str]:
    changed: list[str] = []
    for rule in rules:
        scope = (rule.pattern, rule.severity, rule.site_id, rule.component_kind)
        changed += [row["site_id"] for row in await connection.fetch(QUERIES["weigh_events"], *scope)]
    return changed


async def _escalate(connection: Connection, rules: Iterable[Rule]) -> list[str]:
    changed: list[str] = []
    for rule in rules:
        if rule.escalate_after_s is None:
            continue
        more = (rule.pattern, rule.site_id) if rule.kind == "event" else ()
        query = QUERIES["escalate_events" if more else "escalate_rule"]
        rows = await connection.fetch(query, rule.rule_id, rule.escalate_after_s, *more)
        changed += [row["site_id"] for row in rows]
    return changed


async def _tell(connection: Connection, tenant_id: UUID, sites: Iterable[str]) -> None:
    for site_id in sorted(set(sites)):
        await connection.execute(QUERIES["notify"], live_payload(tenant_id, site_id, "alarms"))
