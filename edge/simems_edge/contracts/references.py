"""References of a setting to a component of the site, typed by the device interface it must offer."""

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
