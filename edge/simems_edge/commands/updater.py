"""Hands an update to the updater of the image, where there is one; this package installs nothing itself.

The updater is a program that ``SIMEMS_UPDATER`` names. It is called as ``UPDATER install URL SHA256 VERSION``, checks
the bundle's own signature, and says on its standard error why it does not take it.
"""

from __future__ import annotations

import asyncio
import os
import re
from typing import Final

from simems_edge.commands.payloads import UpdateCommand

VARIABLE: Final = "SIMEMS_UPDATER"
LONGEST_S: Final = 3600.0
_SHA256 = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(r"[A-Za-z0-9._+~-]{0,64}")


class UpdateRefusedError(RuntimeError):
    """The reason, for the cloud."""


async def install(wanted: UpdateCommand) -> str:
    """What the updater said last. Raises UpdateRefusedError."""
    program = os.environ.get(VARIABLE)
    if not program:
        raise UpdateRefusedError("this box has no updater: its software is updated with its image or its packages")
    if not wanted.url.startswith("https://") or any(ord(letter) <= 32 for letter in wanted.url):
        raise UpdateRefusedError("url: only https addresses are taken")
    if not (_SHA256.fullmatch(wanted.sha256) and _VERSION.fullmatch(wanted.version)):
        raise UpdateRefusedError("sha256 must be 64 hexadecimal digits, version a plain word")
    return await _run(program, "install", wanted.url, wanted.sha256, wanted.version)


async def _run(*arguments: str) -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
    except OSError as error:
        raise UpdateRefusedError(f"the updater cannot be started ({error.strerror}); check {VARIABLE}") from error
    try:
        async with asyncio.timeout(LONGEST_S):
            out, err = await process.communicate()
    except TimeoutError as error:
        process.kill()
        await process.wait()
        raise UpdateRefusedError(f"the updater did not end within {LONGEST_S:g} s and was stopped") from error
    if process.returncode != 0:
        raise UpdateRefusedError(_last_line(err) or f"the updater ended with {process.returncode}")
    return _last_line(out)


def _last_line(raw: bytes) -> str:
    lines = [line for line in raw.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:500] if lines else ""
