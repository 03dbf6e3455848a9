"""Every decoder in Python on mutated bytes: a message or file that is right, or the one error it declares.

``SIMEMS_FUZZ_EXECUTIONS`` of the wire's decoders, a hundredth of the (slower) files; ``make fuzz-long`` runs millions.
"""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
import yaml
from simems_core import wire
from simems_edge.cli.site_file import check_site
from simems_edge.config import SiteError
from simems_edge.devices.profile import ProfileError, parse_profile
from simems_edge.estimation.cell_file import read_cell
from simems_edge.estimation.samples import read_samples

from tests.fuzz.mutation import mutated

log = logging.getLogger(__name__)
ROOT = Path(__file__).parents[2]
EXECUTIONS = int(os.environ.get("SIMEMS_FUZZ_EXECUTIONS", "20000"))
MESSAGES: list[wire.FromEdge | wire.FromCloud] = [
    wire.Hello(
        site="s",
        time_zone="Europe/Stockholm",
        software="0.1.0",
        time_us=1,
        sequence=0,
        components=[wire.ComponentInfo(id="ess0", kind="ess")],
        channels=[wire.ChannelInfo(address="site/state", kind="enum", labels={0: "INIT", 2: "RUN"})],
        settings={"peak0/threshold_w": 60_000.0},
    ),
    wire.Telemetry(
        sequence=7,
        times_us=[1_700_000_000_000_000, 1_000_000, 5],
        columns=[
            wire.Column(channel="ess0/soc_pct", resolution=0.1, values=[512, None, 3], quality=[0, 1, 0]),
            wire.Column(channel="grid0/active_power_w", resolution=0, values=[1.5, -2.0, None]),
        ],
    ),
    wire.Events(
        sequence=8,
        events=[wire.Event(id="a", kind="raised", code="x.y", severity="alarm", component="grid0", time_us=1)],
    ),
    wire.Ping(time_us=1),
    wire.Ack(sequence=3),
    wire.Refused(sequence=4, reason="no"),
    wire.Pong(time_us=1, server_time_us=2),
    wire.Bye(reason="restart"),
]
FRAMES = [wire.encode(message) for message in MESSAGES]
SITES = [path.read_bytes() for path in (ROOT / "edge/tests/config/broken").glob("*.yaml")]
SITES.append((ROOT / "demo/site.yaml").read_bytes())
PROFILES = [path.read_bytes() for path in (ROOT / "edge/simems_edge/devices/profiles").glob("*.yaml")]
SAMPLES = [b"time_s,current_a,voltage_v,temperature_degc\n0,1.5,3.3,25\n1,-2,3.31,\n2,nan,1e3,25\n"]
CELL = (ROOT / "tests/fuzz/cell.yaml").read_bytes()


def from_edge(raw: bytes, _file: Path) -> None:
    wire.sequence_of(raw)
    try:
        message = wire.decode_from_edge(raw)
    except wire.WireError:
        return
    if isinstance(message, wire.Telemetry | wire.Events):
        storable = wire.inconsistency(message) is None
        if storable and isinstance(message, wire.Telemetry):
            assert len({len(wire.column_values(column)) for column in message.columns} | {len(message.times_us)}) == 1
    wire.encode(message)


def from_cloud(raw: bytes, _file: Path) -> None:
    try:
        wire.encode(wire.decode_from_cloud(raw))
    except wire.WireError:
        return


def site_file(raw: bytes, file: Path) -> None:
    file.write_bytes(raw)
    site, problems = check_site(file)
    assert site is not None or problems
    assert all("\n" not in str(problem) for problem in problems)


def cell_file(raw: bytes, file: Path) -> None:
    file.write_bytes(raw)
    with suppress(SiteError):
        read_cell(file)


def samples_file(raw: bytes, file: Path) -> None:
    file.write_bytes(raw)
    with suppress(SiteError):
        read_samples(file)


def profile_data(raw: bytes, _file: Path) -> None:
    """Shipped with the edge: what YAML refuses never gets this far."""
    try:
        data = yaml.safe_load(raw)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
        return
    with suppress(ProfileError):
        parse_profile(data, "fuzzed")


Decoder = Callable[[bytes, Path], None]
DECODERS: list[tuple[Decoder, list[bytes], int]] = [
    (from_edge, FRAMES, EXECUTIONS),
    (from_cloud, FRAMES, EXECUTIONS),
    (site_file, SITES, EXECUTIONS // 100),
    (cell_file, [CELL], EXECUTIONS // 100),
    (samples_file, SAMPLES, EXECUTIONS // 100),
    (profile_data, PROFILES, EXECUTIONS // 100),
]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("decoder", "seeds", "count"), DECODERS, ids=lambda value: getattr(value, "__name__", ""))
def test_only_declared_errors(decoder: Decoder, seeds: list[bytes], count: int, tmp_path: Path) -> None:
    for seed in range(count):
        raw = mutated(random.Random(seed), seeds)
        try:
            decoder(raw, tmp_path / "fuzzed")
        except Exception as error:
            raise AssertionError(f"{decoder.__name__}: seed {seed}: {raw[:200]!r}") from error
    log.info("fuzz: %d executions: %s", count, decoder.__name__)


@pytest.mark.parametrize("opening", [b"\x91", b"\xdd\x00\x00\x00\x01", b"\x81\xa1a", b"\xc7\x01\x05"])
@pytest.mark.parametrize("depth", [10, 1_000, 100_000])
def test_nesting_bombs(opening: bytes, depth: int) -> None:
    inside = msgspec.msgpack.encode({"type": "telemetry", "sequence": 1, "times_us": 0, "columns": 0, "extra": 0})
    for bomb in (opening * depth, inside[:-1] + opening * depth):
        for decode in (wire.decode_from_edge, wire.decode_from_cloud):
            with pytest.raises(wire.WireError):
                decode(bomb)
        assert wire.sequence_of(bomb) in {None, 1}
