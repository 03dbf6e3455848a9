"""Several ingest processes behind a TCP balancer: one goes, its devices come to another, nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.secret_files import curve_keys
from simems_edge.sync import Cloud

pytestmark = pytest.mark.integration
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class Balancer:
    """Takes the backends by turns, another one when that does not answer; passes bytes on."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.ports = [*self.ports[1:], self.ports[0]]
        for port in self.ports:
            with suppress(OSError):
                there, here = await asyncio.open_connection("127.0.0.1", port)
                break
        else:
            writer.close()
            return
        for source, sink in ((reader, here), (there, writer)):
            task = asyncio.create_task(_pass_on(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
    sink.close()


@pytest.fixture
def ingests(ingest_processes: Any) -> list[Any]:
    found: list[Any] = ingest_processes(2)
    return found


class Nginx:
    """The configuration that docs/wire.md shows, in a process of its own."""

    def __init__(self, folder: Path, ports: list[int], port: int) -> None:
        self.port = port
        module = Path(NGINX or "").parents[1] / "lib" / "nginx" / "modules" / "ngx_stream_module.so"
        servers = " ".join(f"server 127.0.0.1:{one};" for one in ports)
        config = folder / "nginx.conf"
        config.write_text(
            (f"load_module {module};\n" if module.exists() else "")
            + f"daemon off;\npid {folder}/nginx.pid;\nerror_log stderr;\nevents {{}}\n"
            "stream {\n"
            f"  upstream ingest {{ least_conn; {servers} }}\n"
            f"  server {{ listen 127.0.0.1:{port}; proxy_pass ingest; proxy_timeout 60s; }}\n"
            "}\n"
        )
        command = [NGINX or "", "-c", str(config), "-p", str(folder), "-e", "stderr"]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    async def answers(self) -> bool:
        assert self._process.poll() is None, "nginx ended; has it the stream module?"
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.close()
            return True
        return False

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


@pytest.fixture(params=["own", "nginx"])
async def balancer(
    request: pytest.FixtureRequest, ingests: list[Any], eventually: Any, tmp_path: Path
) -> AsyncIterator[int]:
    """The port of one before the ingest processes."""
    for one in ingests:
        await eventually(one.answers)
    ports = [one.port for one in ingests]
    if request.param == "own":
        made = Balancer(ports)
        yield await made.start()
        await made.stop()
        return
    if NGINX is None:
        pytest.skip("no nginx on this machine")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    nginx = Nginx(tmp_path, ports, port)
    try:
        await eventually(nginx.answers)
        yield port
    finally:
        nginx.stop()


async def test_one_process_is_killed_and_none_the_wiser(
    customer: Any, ingests: list[Any], balancer: int, eventually: Any, owner_pool: Pool, cloud_settings: Any,
    make_box: Any,
) -> None:  # fmt: skip
    port = balancer
    boxes = [make_box(f"box{number}", at=f"tcp://127.0.0.1:{port}") for number in range(4)]
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        for number, box in enumerate(boxes):
            box.site = f"site-{number}"
            await connection.execute(
                "insert into devices (tenant_id, name, public_key) values (app_tenant(), 'box', $1)",
                box.identity.keys.public_key,
            )
    assert isinstance(boxes[0].cloud, Cloud)
    assert boxes[0].cloud.server_key == curve_keys(cloud_settings.data_dir).public
    async with boxes[0].running(), boxes[1].running(), boxes[2].running(), boxes[3].running():
        for box in boxes:
            await box.measure(*range(10))
        for box in boxes:
            await eventually(box.all_acked)
        before = [box.uplink.status.connections for box in boxes]
        ingests[0].kill()
        for box in boxes:
            await box.measure(*range(10, 20))
        for box in boxes:
            await eventually(box.all_acked)
        after = [box.uplink.status.connections for box in boxes]
    assert sum(after) > sum(before), "those of the killed process came to the other"
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        rows = await connection.fetch(
            "select site_id, array_agg(value order by value) as values from measurements group by 1"
        )
    assert {row["site_id"]: list(row["values"]) for row in rows} == {
        f"site-{number}": [float(value) for value in range(20)] for number in range(4)
    }
