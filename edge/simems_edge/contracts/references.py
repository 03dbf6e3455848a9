"""References of a setting to a component or a channel of the site, typed by the device interface it must offer."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class DeviceRef(str):
    """The id of a component. ``kind`` is the device interface that the component must offer."""

    __slots__ = ()
    kind: ClassVar[str] = ""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's signature
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema(min_length=1))

    def address(self, channel: str) -> str:
        """``component/channel``."""
        return f"{self}/{channel}"


class MeterRef(DeviceRef):
    __slots__ = ()
    kind = "meter"


class EssRef(DeviceRef):
    __slots__ = ()
    kind = "ess"


class PvRef(DeviceRef):
    __slots__ = ()
    kind = "pv"


class EvcsRef(DeviceRef):
    __slots__ = ()
    kind = "evcs"


class LoadRef(DeviceRef):
    __slots__ = ()
    kind = "load"


class RelayRef(DeviceRef):
    __slots__ = ()
    kind = "relay"


class BreakerRef(DeviceRef):
    __slots__ = ()
    kind = "breaker"


class ChannelRef(str):
    """The address of any readable channel of the site, ``component/channel``."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's signature
        address = core_schema.str_schema(pattern=r"^[a-z][a-z0-9_]*/[a-z][a-z0-9_]*$")
        return core_schema.no_info_after_validator_function(cls, address)

    @property
    def component(self) -> str:
        return self.partition("/")[0]
