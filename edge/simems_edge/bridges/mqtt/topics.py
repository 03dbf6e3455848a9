"""The topic tree of a site. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from simems_core import Channel

from simems_edge.config import MqttPublish

ONLINE, OFFLINE = "online", "offline"


@dataclass(frozen=True)
class Topics:
    """``<base>/<site>/status``, ``/channel/<component>/<channel>``, ``/request/<name>`` and ``/response/<id>``."""

    site: str
    settings: MqttPublish

    @property
    def root(self) -> str:
        return f"{self.settings.topic}/{self.site}"

    @property
    def status(self) -> str:
        """``online`` or, as last will, ``offline``; retained."""
        return f"{self.root}/status"

    @property
    def node(self) -> str:
        """The site among others in Home Assistant."""
        return f"simems_{self.site}".replace("-", "_")

    @property
    def discovery(self) -> str:
        return self.settings.discovery or ""

    def channel(self, address: str) -> str:
        return f"{self.root}/channel/{address}"

    def request(self, name: str) -> str:
        return f"{self.root}/request/{name}"

    def response(self, request_id: str) -> str:
        return f"{self.root}/response/{request_id}"

    def told(self, channels: Iterable[Channel]) -> list[Channel]:
        """Those that the site file lets be told."""
        return [one for one in channels if any(fnmatchcase(one.address, rule) for rule in self.settings.channels)]
