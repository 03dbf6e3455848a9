"""What can go wrong with the disk, as values the runtime turns into alarms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from simems_core import wire

FaultCode = Literal[
    "buffer.corrupt_file", "buffer.not_writable", "buffer.quota", "buffer.thinned", "buffer.sequence_behind"
]


class StorageError(Exception):
    """The disk refused: full, read-only, or failing. What was to be written is kept in memory for the next try."""


@dataclass(frozen=True)
class BufferFault:
    """Something happened to the buffer that a person must know."""

    code: FaultCode
    text: str
    effect: str
    remedy: str

    def event(self, time_us: int) -> wire.Event:
        """The fault as a durable event."""
        return wire.Event(
            id=f"{self.code}-{time_us}",
            kind="raised",
            code=self.code,
            severity="alarm",
            component="buffer",
            time_us=time_us,
            text=self.text,
            effect=self.effect,
            remedy=self.remedy,
        )


def corrupt_file(quarantine: str, frames: int, blocks: int) -> BufferFault:
    return BufferFault(
        "buffer.corrupt_file",
        f"The buffer file was damaged and set aside as {quarantine}; {frames} frames and {blocks} blocks were saved",
        "Records that were not yet sent may be missing",
        "Check the disk; the file can be sent to support",
    )


def lost_file() -> BufferFault:
    return BufferFault(
        "buffer.corrupt_file",
        "The buffer file is gone or empty, though there was one; numbering goes on above it",
        "Records that were not yet sent are missing",
        "Find out who removed it; check the disk",
    )


def not_writable(reason: str) -> BufferFault:
    return BufferFault(
        "buffer.not_writable",
        f"The buffer cannot be written: {reason}",
        "New records are kept in memory only and are lost at a power cut",
        "Free disk space or replace the disk",
    )


def over_quota(frames: int) -> BufferFault:
    return BufferFault(
        "buffer.quota",
        f"The buffer is full: {frames} frames were deleted before they were sent",
        "The oldest records are missing in the cloud",
        "Restore the connection to the cloud or allow the buffer more space",
    )


def thinned(rows: int) -> BufferFault:
    return BufferFault(
        "buffer.thinned",
        f"The buffer is full: {rows} of the oldest unsent rows were given up, those between them are kept",
        "The oldest records reach the cloud at a coarser time step",
        "Restore the connection to the cloud or allow the buffer more space",
    )


def damaged_block(frames: int) -> BufferFault:
    return BufferFault(
        "buffer.corrupt_file",
        f"A part of the buffer file was damaged: {frames} frames could not be read and were left out",
        "Records of that time may be missing in the cloud",
        "Check the disk",
    )


def sequence_behind(acknowledged: int, last: int) -> BufferFault:
    return BufferFault(
        "buffer.sequence_behind",
        f"The cloud holds sequence {acknowledged} but the buffer's last was {last}; numbering goes on above it",
        "Records sent under a used number may be missing in the cloud",
        "The data folder was lost or restored from an old copy; find out why",
    )
