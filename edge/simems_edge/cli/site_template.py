"""The text of a new site file. Pure."""

import re
from dataclasses import dataclass
from typing import Self

from simems_edge.cli.errors import BadInputError

_ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9._-]+)(:(?P<port>[0-9]{1,5}))?(/(?P<unit>[0-9]{1,3}))?")
NONE = frozenset({"", "none", "-"})


@dataclass(frozen=True)
class DeviceAddress:
    """Where a Modbus device answers."""

    host: str
    port: int = 502
    unit: int = 1

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """``HOST[:PORT][/UNIT]``; None for "none". Raises :class:`BadInputError`."""
        if text.strip().lower() in NONE:
            return None
        match = _ADDRESS.fullmatch(text.strip())
        if match is None:
            raise BadInputError(f"{text!r} is no device address; write HOST[:PORT][/UNIT], e.g. 192.168.1.20:502/1")
        return cls(match["host"], int(match["port"] or 502), int(match["unit"] or 1))

    def yaml(self) -> str:
        return f"{{modbus_tcp: {{host: {self.host}, port: {self.port}, unit: {self.unit}}}}}"


@dataclass(frozen=True)
class SiteAnswers:
    """Answers of ``init``; texts are quoted already."""

    site_id: str
    name: str
    time_zone: str
    currency: str
    import_limit: str
    export_limit: str
    threshold: str
    meter: DeviceAddress
    pv: DeviceAddress | None
    battery: DeviceAddress | None
    more: tuple[str, ...] = ()
    """Lines of further components."""
    sections: tuple[str, ...] = ()
    """What they need beside."""


def site_text(answers: SiteAnswers) -> str:
    """The whole file."""
    return (
        "\n".join([*_head(answers), *_components(answers), *_controllers(answers), *answers.sections, *_tail()]) + "\n"
    )


def _head(answers: SiteAnswers) -> list[str]:
    return [
        "# Site file of Sim EMS. Names carry the base unit, values may carry their own (60 kW).",
        "# Check it with: simems-edge check FILE",
        "site:",
        f"  id: {answers.site_id}",
        f"  name: {answers.name}",
        f"  time_zone: {answers.time_zone}",
        f"  currency: {answers.currency}",
        f"  grid: {{import_limit_w: {answers.import_limit}, export_limit_w: {answers.export_limit}}}",
        "",
        "cycle: {period: 100 ms}",
        "",
    ]


def _components(answers: SiteAnswers) -> list[str]:
    lines = [
        "components:",
        f"  - {{id: grid0, name: Grid meter, profile: sunspec_meter, connection: {answers.meter.yaml()}}}",
    ]
    if answers.pv is not None:
        lines.append(f"  - {{id: pv0, name: PV, profile: sunspec_pv, connection: {answers.pv.yaml()}}}")
    if answers.battery is not None:
        lines += [
            "  - id: ess0",
            "    name: Battery",
            "    profile: sunspec_storage",
            f"    connection: {answers.battery.yaml()}",
            "    guards: {soc_pct: [10, 95], ramp_w_per_s: 20 kW/s}",
        ]
    return [*lines, *answers.more]


def _controllers(answers: SiteAnswers) -> list[str]:
    if answers.battery is None:
        return []
    lines = ["", "controllers:            # order inside a class is the order here"]
    if answers.threshold.strip('"').lower() not in NONE:
        lines.append(f"  - {{id: peak0, type: peak_shaving, grid: grid0, ess: ess0, threshold_w: {answers.threshold}}}")
    return [*lines, "  - {id: self0, type: self_consumption, grid: grid0, ess: ess0}"]


def _tail() -> list[str]:
    return [
        "",
        "recorder: {interval: 1 s, flush: 1 s}",
        "",
        "# To report to a cloud, add its address and public key:",
        "# cloud: {endpoint: tcp://cloud.example.com:7700, server_key: ...}",
        "",
        "hmi: {port: 8080}",
    ]
