"""Devices of any profile for a new site file, as ``init`` is told them: ID=PROFILE@ADDRESS. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from simems_edge.cli.device_address import HELP, Access, connection_of
from simems_edge.cli.errors import BadInputError
from simems_edge.config import Connection, MqttSettings
from simems_edge.devices import Profile, ProfileError, load_profile
from simems_edge.devices.site_check import suggestion

FORM: Final = "ID=PROFILE@ADDRESS"
ADDRESSES: Final = f"{HELP}; of OCPP profiles STATION[/CONNECTOR]"
SAFE: Final = {"safe_current_a": 6}
_DEVICE: Final = re.compile(r"(?P<id>[a-z][a-z0-9_-]{0,31})=(?P<profile>[a-z0-9_]+)@(?P<address>\S+)")
_STATION: Final = re.compile(r"(?P<station>[^/\s]+)(/(?P<connector>\d{1,2}))?")


@dataclass(frozen=True)
class Device:
    """One component."""

    id: str
    profile: Profile
    connection: Connection
    broker: MqttSettings | None

    @classmethod
    def parse(cls, text: str, names: Sequence[str]) -> Device:
        """``names``: of all profiles. Raises :class:`BadInputError`."""
        match = _DEVICE.fullmatch(text.strip())
        if match is None:
            raise BadInputError(f"{text!r} is no device; write {FORM}, e.g. evcs0=keba_p30@192.168.1.40")
        try:
            profile = load_profile(match["profile"])
        except ProfileError as error:
            raise BadInputError(
                f"{text!r}: no profile {match['profile']!r}; {suggestion(match['profile'], names)}"
            ) from error
        return cls(match["id"], profile, *_connection(profile, match["address"]))

    def yaml(self) -> str:
        """Its line under ``components``. A charger gets the current that is safe in any case."""
        one = self.connection.given.model_dump(mode="json", by_alias=True, exclude_unset=True)
        one.pop("timeout", None)
        control = f", control: {_flow(SAFE)}" if self.profile.kind == "evcs" and self._commandable else ""
        where = _flow({self.connection.kind: one})
        return f"  - {{id: {self.id}, profile: {self.profile.id}, connection: {where}{control}}}"

    @property
    def _commandable(self) -> bool:
        return any(channel.name == "current_limit_a" and channel.settable for channel in self.profile.channels)


def _connection(profile: Profile, address: str) -> tuple[Connection, MqttSettings | None]:
    if profile.protocol != "ocpp":
        return connection_of(profile, address, timeout_s=3.0, line={}, access=Access())
    match = _STATION.fullmatch(address)
    if match is None:
        raise BadInputError(f"{address!r} is no charging station; write STATION[/CONNECTOR]")
    place = {"station": match["station"], "connector": int(match["connector"] or 1)}
    return Connection.model_validate({"ocpp": place}), None


def sections(devices: Sequence[Device]) -> list[str]:
    """What these devices need beside their component: the broker, the charging stations. Raises
    :class:`BadInputError`."""
    return [*_broker(devices), *_stations(devices)]


def _broker(devices: Sequence[Device]) -> list[str]:
    brokers = [one.broker.model_dump(mode="json", by_alias=True, exclude_unset=True) for one in devices if one.broker]
    if any(one != brokers[0] for one in brokers):
        raise BadInputError("these devices are at several MQTT brokers; a site has one")
    return ["", f"mqtt: {_flow(brokers[0])}"] if brokers else []


def _stations(devices: Sequence[Device]) -> list[str]:
    names = list(dict.fromkeys(one.connection.ocpp.station for one in devices if one.connection.ocpp is not None))
    if not names:
        return []
    return [
        "",
        "ocpp:                    # stations prove who they are by a certificate (security profile 3); for passwords:",
        "  security_profile: 3    # 2, and password_hash of each station, as `simems-edge ocpp-password` prints it",
        "  certificate: ocpp/edge.pem",
        "  private_key: ocpp/edge.key",
        "  client_authority: ocpp/stations.pem",
        "  authorise: everybody   # or listed, and id_tags: [...]",
        f"  stations: {_flow([{'id': name} for name in names])}",
    ]


def _flow(value: Any) -> str:  # noqa: ANN401 - JSON
    """YAML on one line; JSON is."""
    return json.dumps(value, ensure_ascii=False)
