"""What devices, brokers, buses and price sources may send, on mutated bytes: right, or the one error it declares.

A twentieth of ``SIMEMS_FUZZ_EXECUTIONS``; ``make fuzz-long`` runs millions.
"""

from __future__ import annotations

import json
import logging
import math
import os
import random
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from simems_edge.bridges.errors import DeviceError
from simems_edge.bridges.http.answer import check_head, document_of
from simems_edge.bridges.mqtt.payload import content_of
from simems_edge.bridges.mqtt.requests import RequestError, asked
from simems_edge.bridges.prices.day import day_of
from simems_edge.config import MqttRequest, PriceSettings
from simems_edge.devices import load_profile, profile_names
from simems_edge.devices.can_frames import codecs
from simems_edge.devices.content_view import ContentView
from simems_edge.devices.json_content import ContentError
from simems_edge.devices.profile_check import read_case

from tests.fuzz.mutation import mutated

log = logging.getLogger(__name__)
EXECUTIONS = int(os.environ.get("SIMEMS_FUZZ_EXECUTIONS", "20000")) // 20
CASES = Path(__file__).parents[2] / "edge" / "tests" / "devices" / "round_trips"
JSON_PROFILES = [name for name in profile_names() if load_profile(name).protocol in {"http", "mqtt"}]
CAN_PROFILES = [name for name in profile_names() if load_profile(name).protocol == "can"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", JSON_PROFILES)
def test_documents_of_every_profile(name: str) -> None:
    profile = load_profile(name)
    documents = read_case(CASES / f"{name}.yaml").documents
    seeds = [json.dumps(document).encode() for document in documents.values()]
    taken = 0
    for seed in range(EXECUTIONS):
        raw, view = mutated(random.Random(seed), seeds), ContentView(profile)
        for part in view.parts:
            with suppress(DeviceError, ContentError):
                http = profile.protocol == "http"
                content = document_of({"content-type": "application/json"}, raw) if http else content_of(raw)
                for channel, value, _ in view.update(part.key, content, 1):
                    taken += 1
                    assert value is None or math.isfinite(value), seed
                    assert value is None or profile.channel(channel).kind != "bool" or value in (0.0, 1.0), seed
    log.info("fuzz: %d executions: documents of %s, %d channels", EXECUTIONS, name, taken)


@pytest.mark.timeout(600)
def test_heads() -> None:
    lengths = ["0", "17", "99999999999999999999", "-1", "1e9", "", "\u0663", "0x10"]
    for seed in range(EXECUTIONS):
        dice = random.Random(seed)
        headers = {"content-length": dice.choice(lengths), "content-encoding": dice.choice(["identity", "gzip", ""])}
        with suppress(DeviceError):
            check_head(dice.randint(0, 999), headers)
    log.info("fuzz: %d executions: heads of HTTP answers", EXECUTIONS)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", CAN_PROFILES)
def test_frames_of_every_profile(name: str) -> None:
    profile = load_profile(name)
    frames = {
        key.partition("#")[0]: bytes.fromhex(text) for key, text in read_case(CASES / f"{name}.yaml").frames.items()
    }
    known, view = codecs(profile), ContentView(profile)
    for seed in range(EXECUTIONS):
        dice = random.Random(seed)
        message = dice.choice(sorted(frames))
        raw = mutated(dice, [frames[message]])[:64]
        with suppress(ContentError):
            for part, numbers in known[message].contents(raw).items():
                for _, value, _ in view.update(part, numbers, seed):
                    assert value is None or math.isfinite(value), seed
    log.info("fuzz: %d executions: frames of %s", EXECUTIONS, name)


@pytest.mark.timeout(600)
def test_requests_and_prices() -> None:
    request = MqttRequest.model_validate(
        {"name": "a", "sets": "import_limit", "secret_file": "s", "minimum": 0, "maximum": 1, "longest": 60}
    )
    form = {"rows": "/d", "start": "/t", "price": "/p"}
    settings = PriceSettings.model_validate(
        {"url": "http://a/{date}", "json": form, "currency": "EUR", "zone": "Europe/Stockholm"}
    )
    body = json.dumps({"id": "abcdefgh", "time": 1.0, "value": 1.0, "duration_s": 1.0, "reason": "r", "actor": "a"})
    signed = json.dumps({"body": body, "mac": "0" * 64}).encode()
    day = json.dumps({"d": [{"t": f"2026-06-01T{hour:02d}:00:00+02:00", "p": 1.5} for hour in range(24)]}).encode()
    for seed in range(EXECUTIONS):
        with suppress(RequestError):
            asked(mutated(random.Random(seed), [signed]), "t", "x" * 16, request, 1.0, retained=False)
            raise AssertionError(f"an unsigned request was taken: {seed}")
        with suppress(ContentError):
            slots = day_of(mutated(random.Random(seed), [day]), date(2026, 6, 1), settings)
            assert len(slots) in {24, 48, 96}, seed
    log.info("fuzz: %d executions: requests and prices", 2 * EXECUTIONS)
