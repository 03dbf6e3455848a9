"""What every bridge and feed declares about itself (the governance rules); a test refuses one with a gap, and
``docs/bridges.md`` is made from it: ``python -m simems_edge.bridges.spec > docs/bridges.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final

DEVICE_METRICS: Final = (
    "<component>/communication: 1 while it talks to the device",
    "<component>/connection_state: connecting, connected, unsteady, backing off",
)


@dataclass(frozen=True)
class BridgeSpec:
    """The declaration of one kind of bridge or feed."""

    type: str
    """Name of the connection in site files, or of the site file's section."""
    owner: str
    """The room of the repository that answers for it."""
    safety_impact: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    metrics: tuple[str, ...]
    """Channels that tell how it is."""
    problems: tuple[str, ...]
    """Codes of the alarms that it raises."""
    fallback: str
    """What happens without its peer, and when it dies itself."""
    acceptance: tuple[str, ...]
    test_plan: tuple[str, ...]
    """Test files, from the root of the repository."""

    def gaps(self) -> list[str]:
        """Names of the declarations that are empty."""
        return [field.name for field in fields(self) if getattr(self, field.name) in ("", ())]


_STALE: Final = (
    "Its channels go stale; controllers do what they declare for that, batteries hold 0 W, and the device's own "
    "watchdog ends the setpoint. A bridge that dies is started again after a second, at nobody else's cost."
)

SPECS: Final = (
    BridgeSpec(
        type="modbus",
        owner="simems_edge.bridges.modbus",
        safety_impact="Carries setpoints to inverters. It cannot decide one: guards have been applied before.",
        inputs=("registers of devices over TCP, RTU and RTU over TCP", "setpoints of the cycle"),
        outputs=("channels of the devices", "writes to registers that the profile lists"),
        metrics=DEVICE_METRICS,
        problems=("communication_lost", "wrong_answer", "device_refused", "registers_refused", "setpoint_mismatch",
                  "setpoint_expired", "setpoint_rejected", "setpoint_refused", "write_budget"),
        fallback=_STALE,
        acceptance=("no wrong value accepted and no write to a wrong register in a million exchanges with faults",
                    "one dead device of fifty leaves the others' rates as they were"),
        test_plan=("edge/tests/bridges/test_chaos.py", "edge/tests/bridges/test_every_profile.py",
                   "edge/tests/bridges/test_misbehaving.py"),
    ),
    BridgeSpec(
        type="http",
        owner="simems_edge.bridges.http",
        safety_impact="Reads meters that loops close on, switches relays. It decides nothing: guards come before it.",
        inputs=("JSON documents that the profile names, asked for by GET", "setpoints of the cycle"),
        outputs=("channels of the devices", "requests that the profile lists"),
        metrics=DEVICE_METRICS,
        problems=("communication_lost", "wrong_answer", "device_refused", "documents_refused", "access_refused",
                  "device_frozen", "setpoint_mismatch", "setpoint_expired", "setpoint_rejected", "setpoint_refused",
                  "write_budget"),
        fallback=_STALE,
        acceptance=("no answer that is late, cut, redirected, oversized, of another type or not finite becomes a value",
                    "after each of twenty kinds of wrong answers it reads again without a person"),
        test_plan=("edge/tests/bridges/test_http.py", "tests/fuzz/test_fuzz_content.py"),
    ),
    BridgeSpec(
        type="mqtt",
        owner="simems_edge.bridges.mqtt",
        safety_impact="Reads meters that loops close on, switches relays. It decides nothing: guards come before it.",
        inputs=("messages of devices at the site's broker", "setpoints of the cycle"),
        outputs=("channels of the devices", "messages to topics that the profile lists"),
        metrics=DEVICE_METRICS,
        problems=("communication_lost", "wrong_answer", "device_frozen", "setpoint_mismatch", "setpoint_expired",
                  "setpoint_rejected", "setpoint_refused", "write_budget"),
        fallback=_STALE,
        acceptance=("a retained message is never taken for a fresh one",
                    "a broker that dies and comes back needs nobody"),
        test_plan=("edge/tests/bridges/test_mqtt_devices.py", "tests/fuzz/test_fuzz_content.py"),
    ),
    BridgeSpec(
        type="can",
        owner="simems_edge.bridges.can",
        safety_impact="Brings a battery's limits, cells and faults to guards and estimator, carries its setpoint.",
        inputs=("frames of a bus, as the DBC file lays them out", "setpoints of the cycle"),
        outputs=("channels of the devices", "setpoint and heartbeat frames that the profile lists, each period"),
        metrics=DEVICE_METRICS,
        problems=("communication_lost", "frames_refused", "device_frozen", "setpoint_rejected"),
        fallback=f"{_STALE} Three frames with idle values follow the last setpoint, then the message stops.",
        acceptance=("a frame of wrong length or checksum is refused, a number out of range is bad",
                    "a counter that stands still makes the whole device bad", "bus-off recovers without a person"),
        test_plan=("edge/tests/bridges/test_can.py", "tests/fuzz/test_fuzz_content.py"),
    ),
    BridgeSpec(
        type="ocpp",
        owner="simems_edge.bridges.ocpp",
        safety_impact="Carries current limits to charging stations and counts what each may still draw: a limit is "
                      "raised only when what the others may draw leaves room.",
        inputs=("calls of listed stations, OCPP 1.6J and 2.0.1, checked by schema", "setpoints of the cycle"),
        outputs=("channels of the connectors", "profiles: a safe current that stays, a limit above it that ends",
                 "the record of charging sessions"),
        metrics=(*DEVICE_METRICS, "<component>/reserved_current_a: what the connector may draw at most"),
        problems=("communication_lost", "device_clock_off", "station_faulted", "device_data", "limit_not_followed",
                  "charging_store_failed", "connector_not_listed", "cap_passed", "request_refused", "no_answer",
                  "ocpp_not_listening"),
        fallback="A station that hears nothing goes back to its safe current when its limit ends; until then what it "
                 "may draw stays reserved. While sessions cannot be kept no station is answered.",
        acceptance=("no transaction lost or doubled, over restarts, reconnects and repeated messages",
                    "what stations may draw never exceeds a fuse, whatever they answer and whenever"),
        test_plan=("edge/tests/bridges/ocpp/test_stations.py", "edge/tests/bridges/ocpp/test_limits.py",
                   "edge/tests/bridges/ocpp/test_soak.py", "edge/tests/bridges/ocpp/test_security.py",
                   "tests/fuzz/test_fuzz_ocpp.py"),
    ),
    BridgeSpec(
        type="mqtt.publish",
        owner="simems_edge.bridges.mqtt",
        safety_impact="With mqtt.requests in the site file it takes bounds from outside: tighter limits, overrides "
                      "below every guard. Without, it only tells.",
        inputs=("channels of the image", "signed requests on the topics that the site file lists"),
        outputs=("retained topics, Home Assistant discovery", "external limits and overrides, each with a lifetime"),
        metrics=("<topic>/<site>/status: online, or offline as last will",),
        problems=("broker_lost",),
        fallback="Nothing is told and nothing can be asked; limits live out their lifetime, over a restart as well; "
                 "the control goes on.",
        acceptance=("no request is carried out that is unsigned, retained, repeated, late, out of range or unlisted",
                    "limits end when their sender wanted"),
        test_plan=("edge/tests/bridges/test_mqtt_gateway.py", "tests/fuzz/test_fuzz_content.py"),
    ),
    BridgeSpec(
        type="prices",
        owner="simems_edge.bridges.prices",
        safety_impact="None: prices move preferences, never a guard.",
        inputs=("one document for each local day, over HTTP",),
        outputs=("site/price_import_per_kwh", "site/price_next_per_kwh", "site/price_next_in_s",
                 "site/price_known_for_s"),
        metrics=("site/price_known_for_s: how far prices reach",),
        problems=("prices_missing",),
        fallback="Kept prices hold until they end; then the channels are stale, and controllers do what they declare.",
        acceptance=("a day is taken whole or not at all, with 23, 24 or 25 hours", "prices outlast a restart"),
        test_plan=("edge/tests/bridges/test_prices.py", "tests/fuzz/test_fuzz_content.py"),
    ),
)  # fmt: skip
HEAD: Final = """# Bridges

Made from `edge/simems_edge/bridges/spec.py`; change it there, then run
`python -m simems_edge.bridges.spec > docs/bridges.md`. How each is set up: [HTTP](http.md), [MQTT](mqtt.md),
[CAN](can.md), [OCPP](ev-charging.md), [prices](prices.md), and for all of them [device profiles](device-profiles.md).
"""


def page() -> str:
    """The document as it is kept in docs."""
    return "\n".join([HEAD, *(line for spec in SPECS for line in _section(spec))])


def _section(spec: BridgeSpec) -> Iterator[str]:
    yield f"## {spec.type}"
    yield ""
    for field in fields(spec)[1:]:
        value = getattr(spec, field.name)
        title = field.name.replace("_", " ").capitalize()
        yield f"- {title}: {value if isinstance(value, str) else '; '.join(value)}"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(page())
