"""CAN frames to numbers and back, as a DBC file lays them out; length, range, checksum and counter checked. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

from cantools.database import DecodeError, Message
from cantools.database import EncodeError as DbcEncodeError
from cantools.database.can import Signal

from simems_edge.devices.commands import checked
from simems_edge.devices.content_points import CanSink, CrcKind, Protection, Transmit
from simems_edge.devices.dbc import load_dbc, message_of
from simems_edge.devices.json_content import ContentError
from simems_edge.devices.numbers import unscaled
from simems_edge.devices.profile import Profile, ProfileChannel
from simems_edge.devices.registers import EncodeError

Numbers = dict[str, float]
"""Signal -> number in the DBC file's unit."""
_CRC8: Final[Mapping[CrcKind, tuple[int, int, int]]] = {
    "crc8_sae_j1850": (0x1D, 0xFF, 0xFF),
    "crc8_autosar": (0x2F, 0xFF, 0xFF),
}
"""Polynomial, initial value, final XOR (AUTOSAR CP SWS CRC Library, 7.2.1: SAE J1850; 7.2.2: 0x2F)."""


class MessageCodec:
    """One message of a profile."""

    def __init__(self, message: Message, protection: Protection | None, *, longer: bool = False) -> None:
        """``longer``: a frame may carry more bytes than the file knows."""
        self.name, self.frame_id, self.extended = message.name, message.frame_id, message.is_extended_frame
        self.length = message.length
        """Bytes."""
        self._message, self._protection, self._longer = message, protection, longer
        self._signals: dict[str, Signal] = {signal.name: signal for signal in message.signals}

    # ---- hearing

    def decode(self, data: bytes) -> Numbers:
        """Signals that this frame carries (of a multiplexed message those of its multiplexer's value); a number outside
        the range that the DBC file declares is left out. Raises :class:`ContentError`."""
        if self._longer:
            data = data[: self.length]
        if len(data) != self.length:
            raise ContentError(f"message {self.name} has {len(data)} bytes, not {self._message.length}")
        self._check_crc(data)
        try:
            found = self._message.decode(data, decode_choices=False, scaling=True, allow_truncated=False)
        except (DecodeError, ValueError, KeyError, TypeError, OverflowError) as error:
            raise ContentError(f"message {self.name} cannot be decoded ({type(error).__name__})") from error
        if not isinstance(found, dict):
            raise ContentError(f"message {self.name} is a container, which is not supported")
        numbers = {name: float(value) for name, value in found.items() if isinstance(value, int | float)}
        return {name: value for name, value in numbers.items() if self._inside(name, value)}

    def contents(self, data: bytes) -> dict[str, Numbers]:
        """The frame by its parts: signals that it always has under the message's name, multiplexed ones under
        ``NAME#VALUE`` of their multiplexer. Raises :class:`ContentError`."""
        numbers = self.decode(data)
        parts: dict[str, Numbers] = {self.name: {}}
        for name, number in numbers.items():
            signal = self._signals[name]
            parent = signal.multiplexer_signal
            if parent is None:
                parts[self.name][name] = number
            elif parent in numbers:
                parts.setdefault(f"{self.name}#{int(numbers[parent])}", {})[name] = number
        return parts

    def _inside(self, name: str, value: float) -> bool:
        signal = self._signals[name]
        low = -math.inf if signal.minimum is None else float(signal.minimum)
        high = math.inf if signal.maximum is None else float(signal.maximum)
        return math.isfinite(value) and low <= value <= high

    def _check_crc(self, data: bytes) -> None:
        protection = self._protection
        if protection is None or protection.crc is None:
            return
        at = byte_of(self._signals[protection.crc])
        if data[at] != checksum(protection, data, at):
            raise ContentError(f"message {self.name} has a wrong checksum")

    # ---- saying

    def encode(self, numbers: Mapping[str, float], count: int) -> bytes:
        """``numbers``: every signal but counter and checksum. Raises :class:`EncodeError`."""
        protection, values = self._protection, dict(numbers)
        if protection is not None and protection.counter is not None:
            values[protection.counter] = float(count % (1 << self._signals[protection.counter].length))
        if protection is not None and protection.crc is not None:
            values[protection.crc] = 0.0
        try:
            fitting = {name: self._fitting(name, value) for name, value in values.items()}
            data = self._message.encode(fitting, strict=True)
        except (DbcEncodeError, ValueError, KeyError, TypeError, OverflowError) as error:
            raise EncodeError(f"message {self.name} cannot carry {values} ({type(error).__name__})") from error
        if protection is None or protection.crc is None:
            return data
        at = byte_of(self._signals[protection.crc])
        return data[:at] + bytes([checksum(protection, data, at)]) + data[at + 1 :]

    def _fitting(self, name: str, value: float) -> float:
        """As near as the signal's resolution allows."""
        signal = self._signals.get(name)
        if signal is None:
            raise EncodeError(f"message {self.name} has no signal {name}")
        if not self._inside(name, value):
            raise EncodeError(f"{value!r} is outside the range of signal {name}")
        factor, offset = float(signal.scale), float(signal.offset)
        return value if signal.is_float else round((value - offset) / factor) * factor + offset


def byte_of(signal: Signal) -> int:
    """Which byte of the frame an eight-bit signal fills. Raises ContentError when it fills none."""
    first = signal.start if signal.byte_order == "little_endian" else signal.start - 7
    if signal.length != 8 or first % 8:
        raise ContentError(f"signal {signal.name} is not one whole byte")
    return first // 8


def checksum(protection: Protection, data: bytes, at: int) -> int:
    """Over the seed and every byte but the one at ``at``."""
    rest = bytes(protection.crc_seed) + data[:at] + data[at + 1 :]
    if protection.crc_kind == "xor8":
        found = 0
        for byte in rest:
            found ^= byte
        return found
    return _crc8(rest, *_CRC8[protection.crc_kind])


def _crc8(data: bytes, polynomial: int, initial: int, final: int) -> int:
    found = initial
    for byte in data:
        found ^= byte
        for _ in range(8):
            found = (found << 1 ^ polynomial) & 0xFF if found & 0x80 else found << 1 & 0xFF
    return found ^ final


def codecs(profile: Profile) -> dict[str, MessageCodec]:
    """Of every message that the profile hears or says. Raises DbcError."""
    network = profile.can
    if network is None:
        return {}
    database = load_dbc(network.database)
    protected = {one.message: one for one in network.protect}
    terms = [t.can for c in profile.channels for source in c.read for t in source.terms]
    names = {point.message for point in terms if point is not None}
    names |= {one.can.message for one in profile.alive if one.can is not None}
    names |= {one.message for one in network.transmit}
    return {
        name: MessageCodec(message_of(database, name), protected.get(name), longer=name in network.longer)
        for name in sorted(names)
    }


def decoded(profile: Profile, frames: Mapping[str, str]) -> dict[str, Numbers]:
    """Frames by hand, in hexadecimal. Raises :class:`ContentError`."""
    known = codecs(profile)
    unknown = sorted({name.partition("#")[0] for name in frames} - set(known))
    if unknown:
        raise ContentError(f"the profile does not hear {', '.join(unknown)}")
    found: dict[str, Numbers] = {}
    for name, text in frames.items():
        found |= known[name.partition("#")[0]].contents(bytes.fromhex(text))
    return found


def numbers_of(transmit: Transmit, given: Iterable[tuple[ProfileChannel, CanSink, float]]) -> Numbers:
    """A message's signals while these setpoints live. Raises :class:`EncodeError` when one is out of its range."""
    numbers = transmit.idle | transmit.active
    for channel, sink, value in given:
        numbers[sink.signal] = unscaled(checked(channel, value) * sink.sign, sink.scale)
    return numbers
