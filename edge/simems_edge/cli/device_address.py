"""A device of any protocol as people write it on the command line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from simems_edge.cli.errors import BadInputError
from simems_edge.cli.modbus_address import HELP as MODBUS_HELP
from simems_edge.cli.modbus_address import parse_connection
from simems_edge.config import Connection, MqttSettings
from simems_edge.devices import Profile

HELP: Final = (
    f"{MODBUS_HELP}; of HTTP profiles http[s]://HOST[:PORT] or HOST[:PORT]; of MQTT profiles "
    "mqtt[s]://HOST[:PORT]/TOPIC; of CAN profiles the interface (can0) or virtual:NAME"
)
Model = TypeVar("Model", bound=BaseModel)
_MQTT: Final = re.compile(r"^mqtt(?P<tls>s)?://(?P<host>[^/:\s]+)(:(?P<port>\d{1,5}))?/(?P<topic>\S+)$")


@dataclass(frozen=True)
class Access:
    """Options of the command line that say how a device lets one in."""

    user: str | None = None
    password_file: Path | None = None
    auth: str | None = None
    ca_file: Path | None = None

    @property
    def given(self) -> dict[str, str]:
        """Those that are given, as whole paths."""
        files = {"password_file": self.password_file, "ca_file": self.ca_file}
        found = {name: str(path.resolve()) for name, path in files.items() if path is not None}
        return found | ({} if self.user is None else {"user": self.user})


def connection_of(
    profile: Profile, text: str, *, timeout_s: float, line: dict[str, Any], access: Access
) -> tuple[Connection, MqttSettings | None]:
    """``line``: of a serial line. The second is the broker of an MQTT device. Raises :class:`BadInputError`."""
    if profile.protocol == "http":
        return _http(text, timeout_s, access), None
    if profile.protocol == "mqtt":
        return _mqtt(text, timeout_s, access)
    if profile.protocol == "can":
        interface, _, name = text.rpartition(":")
        one = {"channel": name, "interface": interface or "socketcan", "timeout": timeout_s}
        return _checked(Connection, {"can": one}, text), None
    return parse_connection(text, timeout_s=timeout_s, line=line), None


def _http(text: str, timeout_s: float, access: Access) -> Connection:
    url = text if "://" in text else f"http://{text}"
    auth = {} if access.user is None else {"auth": access.auth or "basic"}
    return _checked(Connection, {"http": {"url": url, "timeout": timeout_s, **access.given, **auth}}, text)


def _mqtt(text: str, timeout_s: float, access: Access) -> tuple[Connection, MqttSettings]:
    found = _MQTT.fullmatch(text)
    if found is None:
        raise BadInputError(f"{text!r} is no MQTT device; write mqtt://HOST[:PORT]/TOPIC or mqtts://...")
    given = dict(access.given)
    ca_file = given.pop("ca_file", None)
    broker: dict[str, Any] = {"host": found["host"], **given}
    if found["port"]:
        broker["port"] = int(found["port"])
    if found["tls"]:
        broker["tls"] = {} if ca_file is None else {"ca_file": ca_file}
    connection = {"mqtt": {"topic": found["topic"], "timeout": timeout_s}}
    return _checked(Connection, connection, text), _checked(MqttSettings, broker, text)


def _checked(model: type[Model], data: dict[str, Any], text: str) -> Model:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = first["loc"][-1] if first["loc"] else "address"
        raise BadInputError(f"{text!r}: {place}: {first['msg']}; write {HELP}") from error
