"""The tree: what may stand where, moves and archives, access that follows the place, facts, import."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.organisation.csv_import import COLUMNS, parse
from simems_cloud.organisation.tree import PARENTS, is_within, misplaced, path_below


async def call(api: Any, method: str, path: str, token: str, body: Any = None, tag: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {token}"} | ({"If-Match": tag} if tag else {})
    return await api.client.request(method, f"/api/v1{path}", headers=headers, json=body)


async def make(api: Any, token: str, kind: str, name: str, parent: Any = None, site: str | None = None) -> Any:
    body = {"kind": kind, "name": name, "parent_id": parent and parent["id"], "site_id": site}
    answer = await call(api, "POST", "/organisation/nodes", token, body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def person(api: Any, admin: str, role: str, node: Any, email: str) -> str:
    body = {"email": email, "grants": [{"role": role, "node_id": node["id"]}]}
    made = await call(api, "POST", "/invitations", admin, body)
    assert made.status_code == 201, made.text
    accepted = await api.client.post(
        "/api/v1/auth/accept-invitation", json={"token": made.json()["token"], "password": "a long enough password"}
    )
    return str(accepted.json()["access_token"])


@pytest.mark.integration
async def test_access_is_inherited_and_follows_a_move(api: Any, customer: Any) -> None:
    admin = await api.sign_in(customer)
    root = await make(api, admin, "enterprise", "Harbour")
    north = await make(api, admin, "enterprise", "North", root)
    south = await make(api, admin, "enterprise", "South", root)
    malmo = await make(api, admin, "site", "Malmö", south, "malmo-1")
    await make(api, admin, "site", "Luleå", north, "lulea-1")
    token = await person(api, admin, "site_operator", south, f"op-{customer.email}")

    async def sites() -> list[str]:
        return [site["id"] for site in await api.get("/sites", token)]

    assert await sites() == ["malmo-1"]
    assert (await api.status("/sites/malmo-1", token), await api.status("/sites/lulea-1", token)) == (200, 404)
    assert [n["name"] for n in (await api.get("/organisation/nodes", token))["items"]] == ["South", "Malmö"]
    assert await api.status(f"/organisation/nodes/{north['id']}", token) == 404
    assert await api.status("/users", token) == 403
    moved = await call(api, "POST", f"/organisation/nodes/{malmo['id']}/move", admin, {"parent_id": north["id"]}, '"1"')
    assert moved.status_code == 200, moved.text
    assert moved.json()["path"] == f"{north['path']}.{malmo['id'].replace('-', '')}"
    assert await sites() == []
    assert await api.status("/sites/malmo-1", token) == 404
    back = await call(api, "POST", f"/organisation/nodes/{north['id']}/move", admin, {"parent_id": south["id"]}, '"1"')
    assert back.status_code == 200, back.text
    assert sorted(await sites()) == ["lulea-1", "malmo-1"]


@pytest.mark.integration
async def test_many_who_ask_at_once_see_each_their_own_sites(api: Any, new_customer: Any) -> None:
    """Lists are put together once for all who see the same; nobody gets another's, nor one from before a change."""
    ours, others = await new_customer(), await new_customer()
    admin, stranger = await api.sign_in(ours), await api.sign_in(others)
    root = await make(api, admin, "enterprise", "Harbour")
    south = await make(api, admin, "enterprise", "South", root)
    await make(api, admin, "site", "Malmö", south, "malmo-1")
    await make(api, admin, "site", "Luleå", root, "lulea-1")
    await make(api, stranger, "site", "Oslo", await make(api, stranger, "enterprise", "Fjord"), "oslo-1")
    operator = await person(api, admin, "site_operator", south, f"op-{ours.email}")
    expected = {admin: ["lulea-1", "malmo-1"], operator: ["malmo-1"], stranger: ["oslo-1"]}

    async def asked(token: str) -> list[str]:
        return [site["id"] for site in await api.get("/sites", token)]

    for number in range(3):
        askers = [token for token in expected for _ in range(8)]
        assert await asyncio.gather(*(asked(token) for token in askers)) == [expected[token] for token in askers]
        noise = [asyncio.create_task(asked(admin)) for _ in range(8)]
        await make(api, admin, "site", f"Ystad {number}", root, f"ystad-{number}")
        expected[admin] = [*expected[admin], f"ystad-{number}"]
        assert await asked(admin) == expected[admin], "what was made before one asked is there"
        await asyncio.gather(*noise)


@pytest.mark.integration
async def test_alarms_are_seen_and_acknowledged_within_reach_only(api: Any, customer: Any, owner_pool: Pool) -> None:
    admin = await api.sign_in(customer)
    root = await make(api, admin, "enterprise", "Harbour")
    here = await make(api, admin, "site", "Here", root, "here-1")
    await make(api, admin, "site", "There", root, "there-1")
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        for site in ("here-1", "there-1"):
            await connection.execute(
                """insert into alarms (tenant_id, site_id, device_id, origin, event_id, code, severity, component, text,
                cause, effect, remedy, raised_at)
                values (app_tenant(), $1, $2, 'edge', $1, 'c', 'alarm', '', '', '', '', '', now())""",
                *(site, customer.device_id),
            )
    token = await person(api, admin, "site_operator", here, f"op-{customer.email}")
    assert [alarm["site_id"] for alarm in await api.get("/alarms", token)] == ["here-1"]
    for alarm in await api.get("/alarms", admin):
        answer = await call(api, "POST", f"/alarms/{alarm['id']}/acknowledge", token)
        assert answer.status_code == (200 if alarm["site_id"] == "here-1" else 404)


@pytest.mark.integration
async def test_who_manages_a_branch_stays_in_it(api: Any, customer: Any) -> None:
    admin = await api.sign_in(customer)
    root = await make(api, admin, "enterprise", "Harbour")
    mine, other = [await make(api, admin, "enterprise", name, root) for name in ("Mine", "Other")]
    token = await person(api, admin, "fleet_manager", mine, f"fm-{customer.email}")
    site = await make(api, token, "site", "New", mine, "new-1")
    for body in ({"kind": "enterprise", "name": "X"}, {"kind": "enterprise", "name": "X", "parent_id": other["id"]}):
        assert (await call(api, "POST", "/organisation/nodes", token, body)).status_code == 403
    path = f"/organisation/nodes/{site['id']}"
    assert (await call(api, "POST", f"{path}/move", token, {"parent_id": other["id"]}, '"1"')).status_code == 403
    assert (
        await call(api, "PATCH", f"/organisation/nodes/{other['id']}", token, {"name": "Y"}, '"1"')
    ).status_code == 404
    assert (await call(api, "PATCH", path, token, {"name": "Newer"}, '"1"')).json()["name"] == "Newer"
    csv = "parent,kind,name,site_id\nHarbour/Other,site,Z,z-1\nHarbour/Mine,site,Q,q-1\n"
    answer = await upload(api, token, csv, dry_run=True)
    assert [(p["line"], p["field"]) for p in answer.json()["problems"]] == [(2, "parent")]


@pytest.mark.integration
async def test_nothing_stands_where_it_may_not(api: Any, customer: Any) -> None:
    admin = await api.sign_in(customer)
    root = await make(api, admin, "enterprise", "Harbour")
    site = await make(api, admin, "site", "Malmö", root, "malmo-1")
    bad: list[tuple[int, dict[str, Any]]] = [
        (422, {"kind": "floor", "name": "1", "parent_id": root["id"]}),
        (422, {"kind": "site", "name": "B", "parent_id": root["id"]}),
        (422, {"kind": "building", "name": "B", "parent_id": site["id"], "site_id": "b"}),
        (422, {"kind": "enterprise", "name": "B/C"}),
        (422, {"kind": "enterprise", "name": "B", "parent_id": str(uuid4())}),
        (409, {"kind": "site", "name": "Malmö", "parent_id": root["id"], "site_id": "malmo-2"}),
        (409, {"kind": "site", "name": "B", "parent_id": root["id"], "site_id": "malmo-1"}),
    ]
    for status, body in bad:
        answer = await call(api, "POST", "/organisation/nodes", admin, body)
        assert answer.status_code == status, (body, answer.text)
    below = await make(api, admin, "enterprise", "Below", root)
    path = f"/organisation/nodes/{root['id']}"
    assert (await call(api, "POST", f"{path}/move", admin, {"parent_id": below["id"]}, '"1"')).status_code == 422
    assert (await call(api, "POST", f"{path}/move", admin, {"parent_id": root["id"]}, '"1"')).status_code == 422
    assert (await call(api, "PATCH", path, admin, {"name": "X"})).status_code == 428
    assert (await call(api, "PATCH", path, admin, {"name": "X"}, '"7"')).status_code == 412


@pytest.mark.integration
async def test_archived_is_hidden_not_gone(api: Any, customer: Any) -> None:
    admin = await api.sign_in(customer)
    root = await make(api, admin, "enterprise", "Harbour")
    site = await make(api, admin, "site", "Malmö", root, "malmo-1")
    archived = await call(api, "POST", f"/organisation/nodes/{root['id']}/archive", admin, tag='"1"')
    assert archived.json()["archived"] is True
    assert (await api.get("/organisation/nodes", admin))["items"] == []
    assert await api.get("/sites", admin) == []
    assert await api.status("/sites/malmo-1", admin) == 200
    assert len((await api.get("/organisation/nodes", admin, archived=True))["items"]) == 2
    child = {"kind": "building", "name": "A", "parent_id": site["id"]}
    assert (await call(api, "POST", "/organisation/nodes", admin, child)).status_code == 409
    early = await call(api, "POST", f"/organisation/nodes/{site['id']}/restore", admin, tag='"2"')
    assert early.status_code == 409
    tag = archived.headers["etag"]
    assert (await call(api, "POST", f"/organisation/nodes/{root['id']}/restore", admin, tag=tag)).status_code == 200
    assert [s["id"] for s in await api.get("/sites", admin)] == ["malmo-1"]


@pytest.mark.integration
async def test_moves_at_once_leave_a_tree(api: Any, second_api: Any, customer: Any, owner_pool: Pool) -> None:
    """A under B and B under A at the same time: one of them is refused."""
    admin = await api.sign_in(customer)
    one, two = [await make(api, admin, "enterprise", name) for name in ("A", "B")]
    answers = await asyncio.gather(
        call(api, "POST", f"/organisation/nodes/{one['id']}/move", admin, {"parent_id": two["id"]}, '"1"'),
        call(second_api, "POST", f"/organisation/nodes/{two['id']}/move", admin, {"parent_id": one["id"]}, '"1"'),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 422]
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        wrong = await connection.fetchval(
            """select count(*) from org_nodes c join org_nodes p on p.node_id = c.parent_id
            where c.path <> p.path || replace(c.node_id::text, '-', '')"""
        )
    assert wrong == 0


@pytest.mark.integration
async def test_pages_walk_the_whole_tree_once(api: Any, customer: Any) -> None:
    admin = await api.sign_in(customer)
    root = await make(api, admin, "enterprise", "Harbour")
    names = [(await make(api, admin, "enterprise", f"E{n}", root))["name"] for n in range(7)]
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = await api.get("/organisation/nodes", admin, limit=3, **after)
        seen += [node["name"] for node in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert sorted(seen) == sorted([*names, "Harbour"])


@pytest.mark.integration
async def test_facts_stand_over_what_the_device_announces(api: Any, connect: Any, customer: Any) -> None:
    await connect(customer).hello()
    admin = await api.sign_in(customer)
    path = f"/sites/{customer.site}/facts"
    announced = await api.get(path, admin)
    assert announced["time_zone"] is None
    effective = ("effective_time_zone", "effective_currency", "effective_import_limit_w", "effective_export_limit_w")
    assert [announced[name] for name in effective] == ["Europe/Stockholm", "SEK", 100_000, None]
    body = {"time_zone": "Asia/Kolkata", "import_limit_w": 5000, "country": "IN", "market_zone": "IN-S1"}
    assert (await call(api, "PUT", path, admin, body)).status_code == 428
    first = await call(api, "PUT", path, admin, body, '"0"')
    assert [first.json()[name] for name in effective] == ["Asia/Kolkata", "SEK", 5000, None]
    assert (await call(api, "PUT", path, admin, body, '"0"')).status_code == 412
    assert (await call(api, "PUT", path, admin, {}, first.headers["etag"])).json()["effective_currency"] == "SEK"
    for wrong in ({"time_zone": "Mars/Olympus"}, {"currency": "kr"}, {"import_limit_w": -1}, {"latitude_deg": 91}):
        assert (await call(api, "PUT", path, admin, wrong, '"2"')).status_code == 422, wrong


async def upload(api: Any, token: str, text: str, *, dry_run: bool) -> Any:
    return await api.client.post(
        "/api/v1/organisation/import",
        params={"dry_run": dry_run},
        headers={"Authorization": f"Bearer {token}", "Content-Type": "text/csv"},
        content=text.encode(),
    )


GOOD = """parent,kind,name,site_id,time_zone,currency,import_limit_w,city
,enterprise,Harbour,,,,,
Harbour,site,Malmö,malmo-1,Europe/Stockholm,SEK,100000,Malmö
Harbour/Malmö,building,"Hall, old",,,,,
"Harbour/Malmö/Hall, old",floor,1,,,,,
"""


@pytest.mark.integration
async def test_an_import_is_tried_dry_then_written_whole(api: Any, customer: Any) -> None:
    admin = await api.sign_in(customer)
    tried = await upload(api, admin, GOOD, dry_run=True)
    assert tried.json() == {"dry_run": True, "nodes": 4, "sites": 1, "problems": []}
    assert (await api.get("/organisation/nodes", admin))["items"] == []
    written = await upload(api, admin, GOOD, dry_run=False)
    assert written.json() == {"dry_run": False, "nodes": 4, "sites": 1, "problems": []}
    assert len((await api.get("/organisation/nodes", admin))["items"]) == 4
    assert (await api.get("/sites/malmo-1/facts", admin))["city"] == "Malmö"
    again = (await upload(api, admin, GOOD, dry_run=False)).json()
    assert [(p["line"], p["field"]) for p in again["problems"]] == [(n, "name") for n in (2, 3, 4, 5)]
    (entry,) = (await api.get("/audit", admin, action="node.import"))["items"]
    assert len(entry["details"]["nodes"]) == 4


@pytest.mark.integration
async def test_every_problem_has_its_line_and_field_and_nothing_is_written(api: Any, customer: Any) -> None:
    admin = await api.sign_in(customer)
    bad = """parent,kind,name,site_id,time_zone,currency,import_limit_w,city
,enterprise,Harbour,,,,,
Harbour,hall,A,,,,,
Harbour,site,B,,,,,
Harbour,site,C,c-1,Mars/Olympus,kr,-5,
Nowhere,site,D,d-1,,,,
Harbour,floor,E,,,,,
Harbour,site,F,f-1,,,,
Harbour,site,G,f-1,,,,
Harbour,building,H,,,,,Malmö
Harbour,site
,enterprise,Harbour,,,,,
"""
    expected = {
        *((3, "kind"), (4, "site_id"), (5, "time_zone"), (5, "currency"), (5, "import_limit_w"), (6, "parent")),
        *((7, "kind"), (9, "site_id"), (10, "city"), (11, ""), (12, "name")),
    }
    for dry_run in (True, False):
        answer = (await upload(api, admin, bad, dry_run=dry_run)).json()
        assert {(p["line"], p["field"]) for p in answer["problems"]} == expected
        assert answer["nodes"] == 0
    assert (await api.get("/organisation/nodes", admin))["items"] == []


@pytest.mark.parametrize(
    "text", ["", '"', "a,b\n", "parent,kind\n", 'parent,kind,name\n"x', "parent,kind,name\n\0,x,y\n"]
)
def test_a_file_that_is_no_import_is_said_so(text: str) -> None:
    lines, problems = parse(text)
    assert lines == []
    assert problems


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    for start in ("", ",".join(COLUMNS) + "\n", "parent,kind,name\n"):
        lines, problems = parse(start + text)
        assert all(problem.line >= 0 for problem in problems)
        assert all(line.node.name for line in lines)


def test_a_kind_that_may_stand_nowhere_is_none() -> None:
    assert misplaced("enterprise", None) is None
    assert "not under the root" in str(misplaced("floor", None))
    assert all(parents for parents in PARENTS.values())


@given(st.lists(st.uuids(version=4), min_size=1, max_size=6, unique=True))
def test_a_path_lies_within_each_node_above_it_and_no_other(ids: list[UUID]) -> None:
    path: str | None = None
    above = []
    for node_id in ids:
        path = path_below(path, node_id)
        above.append(path)
    assert all(is_within(above[-1], one) for one in above)
    assert not any(is_within(one, above[-1]) for one in above[:-1])
