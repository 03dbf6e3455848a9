"""ETags: who edits says which version they saw; what changed in between is not overwritten."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Response

from simems_cloud.kit.problems import PreconditionFailedError, PreconditionRequiredError

IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="The ETag of the version that was seen.", examples=['"3"'])
]


def tag(response: Response, version: int) -> None:
    response.headers["ETag"] = f'"{version}"'


def check(if_match: str | None, version: int) -> None:
    """Raises PreconditionRequiredError, PreconditionFailedError."""
    if if_match is None:
        raise PreconditionRequiredError("send If-Match with the ETag that was read")
    if if_match.strip() != f'"{version}"':
        raise PreconditionFailedError("it was changed in between; read it again")
