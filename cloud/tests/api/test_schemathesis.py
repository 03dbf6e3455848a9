"""Every operation of the description with generated requests: as nobody, as a tenant, and as another one with its ids.

No answer may be a server error, have a status, media type, header or body that the description does not know, or
give one tenant what belongs to another. Wrong requests are sent by the long form (and by test_nasty.py).
``SIMEMS_API_EXAMPLES``: requests per operation
and caller.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from requests import Session
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.errors import InvalidSchema, SerializationNotPossible
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from simems_cloud.access import requires
from simems_cloud.kit.database import Pool, transaction
from simems_core.claiming import new_code

log = logging.getLogger(__name__)
pytestmark = pytest.mark.integration
EXAMPLES = int(os.environ.get("SIMEMS_API_EXAMPLES", "1"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ENDS_THE_SESSION = {"sign_out": "called last"}


@dataclass
class Storm:
    """What was sent, and what came back wrong."""

    url: str
    done: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    session: Session = field(default_factory=Session)

    def send(self, operation: Any, who: str, token: str | None, places: dict[str, Any]) -> None:
        """``places``: ids for the address; one that is not the sender's own must not be found."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        modes = [GenerationMode.POSITIVE]
        if not places and EXAMPLES > 1:
            modes.append(GenerationMode.NEGATIVE)
        for mode in modes:
            strategy = operation.as_strategy(mode, path_parameters=places or None)
            foreign = bool(places) and who == "other"
            try:
                self._many(strategy, lambda case: self._one(case, who, headers, foreign=foreign))  # noqa: B023 - called here
            except Unsatisfiable:
                assert mode is GenerationMode.NEGATIVE, operation.label  # nothing in it can be wrong
            except (InvalidSchema, SerializationNotPossible) as error:
                self.wrong.append(f"{operation.label}: {error}")

    def _many(self, strategy: Any, send: Callable[[Any], None]) -> None:
        @given(case=strategy)
        @settings(
            max_examples=EXAMPLES,
            database=None,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def one(case: Any) -> None:
            send(case)

        one()

    def _one(self, case: Any, who: str, headers: dict[str, str], *, foreign: bool) -> None:
        answer = case.call(base_url=self.url, session=self.session, headers=headers, timeout=60)
        self.done[f"{who} {answer.status_code // 100}xx"] += 1
        name = f"{case.operation.label} as {who}: {answer.status_code}"
        if who == "nobody" and case.operation.definition.raw.get("security") and answer.status_code not in (401, 405):
            self.wrong.append(f"{name}: answered to nobody")
        if foreign and answer.status_code < 400:
            self.wrong.append(f"{name}: another tenant's")
            log.warning("%s", self.wrong[-1])
        try:
            case.validate_response(answer, checks=CHECKS, excluded_checks=None)
        except (Failure, FailureGroup) as error:
            failures = error.exceptions if isinstance(error, FailureGroup) else [error]
            self.wrong += [f"{name}: {type(found).__name__}: {str(found)[:400]}" for found in failures]
            log.warning("%s", self.wrong[-1])


async def _post(api: Any, token: str, path: str, body: Any) -> Any:
    answer = await api.client.post(f"/api/v1{path}", headers={"Authorization": f"Bearer {token}"}, json=body)
    assert answer.is_success, answer.text
    return answer.json()


async def things_of(api: Any, customer: Any, token: str, owner_pool: Pool) -> dict[str, Any]:
    """One of each kind that an address can name."""
    root = await _post(api, token, "/organisation/nodes", {"kind": "enterprise", "name": "Harbour"})
    site = {"kind": "site", "name": "Malmö", "parent_id": root["id"], "site_id": customer.site}
    node = await _post(api, token, "/organisation/nodes", site)
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        alarm = await connection.fetchval(
            """insert into alarms (tenant_id, site_id, device_id, origin, event_id, code, severity, raised_at)
            values (app_tenant(), $1, $2, 'edge', 'e', 'c', 'alarm', now()) returning alarm_id""",
            *(customer.site, customer.device_id),
        )
    rule = {"name": "Warm", "kind": "above", "channel": "*/x", "threshold": 1}
    hook = {"name": "Hook", "url": "http://93.184.216.34/"}
    report = {"node_id": node["id"], "period": "day", "day": "2026-03-01"}
    claim = await _post(api, token, "/device-claims", {"code": new_code(), "name": "box"})
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        await connection.execute("update devices set site_id = $1", customer.site)
    batch = await _post(api, token, "/command-batches", {"site_ids": [customer.site], "order": {"kind": "restart"}})
    return {
        "claim_id": claim["id"],
        "batch_id": batch["id"],
        "command_id": batch["results"][0]["command"]["id"],
        "node_id": node["id"],
        "site_id": customer.site,
        "alarm_id": str(alarm),
        "rule_id": (await _post(api, token, "/alarm-rules", rule))["id"],
        "silence_id": (await _post(api, token, "/alarm-silences", {"until": "2026-12-31T00:00:00Z"}))["id"],
        "webhook_id": (await _post(api, token, "/webhooks", hook))["id"],
        "subscription_id": (await _post(api, token, "/subscriptions", {"user_id": str(customer.user_id)}))["id"],
        "report_id": (await _post(api, token, "/reports", report))["id"],
        "schedule_id": (await _post(api, token, "/report-schedules", {"node_id": node["id"], "period": "day"}))["id"],
        "delivery_id": (await _post(api, token, "/deliveries/test", None))["id"],
        "role": (await _post(api, token, "/roles", {"role": "night", "permissions": ["alarms:read"]}))["role"],
    }


def storm_of(document: dict[str, Any], url: str, tokens: dict[str, str | None], things: dict[str, Any]) -> Storm:
    schema = schemathesis.openapi.from_dict(document)
    results: list[Any] = list(schema.get_all_operations())
    found = [result.ok() for result in results]
    found.sort(key=lambda operation: operation.definition.raw["operationId"] in ENDS_THE_SESSION)
    storm = Storm(url)
    for operation in found:
        names = {parameter.name for parameter in operation.path_parameters}
        places = {name: things[name] for name in names if name in things}
        for who, token in tokens.items():
            storm.send(operation, who, token, {})
            if places and len(places) == len(names) and who != "nobody":
                storm.send(operation, who, token, places)
    return storm


@pytest.mark.timeout(0 if EXAMPLES > 1 else 900)
async def test_every_operation_keeps_its_word(
    api: Any, customer: Any, new_customer: Any, owner_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requires, "WRITES_PER_MINUTE", 10_000_000)
    token = await api.sign_in(customer)
    things = await things_of(api, customer, token, owner_pool)
    tokens = {"nobody": None, "other": await api.sign_in(await new_customer()), "tenant": token}
    document = (await api.client.get("/openapi.json")).json()
    storm = await asyncio.to_thread(storm_of, document, str(api.client.base_url), tokens, things)
    print(sum(storm.done.values()), "requests:", dict(sorted(storm.done.items())))  # noqa: T201 - the figure of the long form
    assert not storm.wrong, "\n".join(sorted(set(storm.wrong)))
    assert storm.done["tenant 2xx"] > 20
    assert storm.done["nobody 4xx"] > 80
