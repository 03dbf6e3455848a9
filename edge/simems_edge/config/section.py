"""The base of every section of the site file."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Unknown keys, numbers as text and infinities are refused; what was read never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
