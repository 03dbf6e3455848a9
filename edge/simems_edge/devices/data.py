"""The base of every part of a profile, and words that several protocols share."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Sign = Literal[-1, 1]


class Data(BaseModel):
    """Base of every part of a profile."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
