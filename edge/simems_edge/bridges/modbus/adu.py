"""Modbus frames: questions to bytes, bytes to judged answers. Pure.

Source: Modbus Application Protocol 1.1b3 (PDU), Modbus Messaging on TCP/IP 1.0b (MBAP header), Modbus over Serial Line
1.02 (RTU frame, CRC). An answer is taken only when every byte that the question foretells is as foretold: transaction,
unit, function, byte count or echo, CRC and the frame's end. Each wrong byte is known at once, not after a time-out.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from simems_edge.bridges.errors import GatewayError, RefusedError, WrongAnswerError
from simems_edge.devices.tables import Table

READ: Final[dict[Table, int]] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS = 5, 6, 15, 16
MAX_REGISTERS: Final = 125
MAX_WRITTEN: Final = 123
ERROR_BIT: Final = 0x80
EXCEPTIONS: Final = {
    1: "illegal function", 2: "illegal register address", 3: "illegal value", 4: "device failure",
    5: "acknowledged, not done", 6: "busy", 8: "memory parity error",
    10: "gateway has no path", 11: "gateway's device does not answer",
}  # fmt: skip
GATEWAY_CODES: Final = frozenset({10, 11})


class Framing(Enum):
    """How a PDU is wrapped."""

    TCP = "tcp"
    RTU = "rtu"


@dataclass(frozen=True, slots=True)
class Question:
    """One request. ``fixed``: what the answer's data must be (the echo of a write); None: ``size`` bytes of values."""

    unit: int
    function: int
    body: bytes
    size: int
    fixed: bytes | None

    @property
    def data_length(self) -> int:
        """Bytes of a right answer between function code and frame end."""
        return len(self.fixed) if self.fixed is not None else 1 + self.size


def read_question(unit: int, table: Table, address: int, count: int) -> Question:
    """``count`` registers, or bits of coils and discrete inputs."""
    bits = table in {"coil", "discrete"}
    size = (count + 7) // 8 if bits else 2 * count
    return Question(unit, READ[table], struct.pack(">HH", address, count), size, None)


def write_question(unit: int, table: Table, address: int, values: Sequence[int], *, single: bool = False) -> Question:
    """``single``: by function 6, for devices that know no other."""
    if table == "coil":
        body = struct.pack(">HH", address, 0xFF00 if values[0] else 0)
        return Question(unit, WRITE_COIL, body, 0, body)
    if single and len(values) == 1:
        body = struct.pack(">HH", address, values[0])
        return Question(unit, WRITE_REGISTER, body, 0, body)
    head = struct.pack(">HH", address, len(values))
    body = head + struct.pack(f">B{len(values)}H", 2 * len(values), *values)
    return Question(unit, WRITE_REGISTERS, body, 0, head)


def frame(question: Question, framing: Framing, transaction: int) -> bytes:
    """The bytes to send."""
    pdu = bytes((question.unit, question.function)) + question.body
    if framing is Framing.TCP:
        return struct.pack(">HHH", transaction, 0, len(pdu)) + pdu
    return pdu + struct.pack("<H", crc(pdu))


def judge(question: Question, framing: Framing, transaction: int, received: bytes) -> bytes | None:
    """The answer's values (empty after a write); None while bytes are missing.

    Raises :class:`WrongAnswerError` as soon as a byte is wrong, :class:`RefusedError` for a Modbus exception.
    """
    if framing is Framing.TCP:
        return _judge_tcp(question, transaction, received)
    return _judge_rtu(question, received)


def _judge_tcp(question: Question, transaction: int, received: bytes) -> bytes | None:
    if len(received) < 9:
        known = struct.pack(">HH", transaction, 0)
        if not received.startswith(known[: len(received)]):
            raise WrongAnswerError("answered another transaction than was asked")
        return None
    number, protocol, length, unit, function = struct.unpack_from(">HHHBB", received)
    if number != transaction or protocol:
        raise WrongAnswerError("answered another transaction than was asked")
    right = _right_length(question, unit, function)
    if length != right:
        raise WrongAnswerError(f"announced {length} bytes where the answer has {right}")
    return _finish(question, received[7 : 6 + length], received, 6 + length)


def _judge_rtu(question: Question, received: bytes) -> bytes | None:
    if len(received) < 2:
        if received and received[0] != question.unit:
            raise WrongAnswerError("answered as another unit than was asked")
        return None
    end = _right_length(question, received[0], received[1]) + 2
    if len(received) >= end and struct.unpack_from("<H", received, end - 2)[0] != crc(received[: end - 2]):
        raise WrongAnswerError("answered with a wrong checksum")
    return _finish(question, received[1 : end - 2], received, end)


def _right_length(question: Question, unit: int, function: int) -> int:
    """Bytes of unit and PDU, of an answer with this head."""
    if unit != question.unit:
        raise WrongAnswerError("answered as another unit than was asked")
    if function == question.function | ERROR_BIT:
        return 3
    if function != question.function:
        raise WrongAnswerError("answered with another function than was asked for")
    return 2 + question.data_length


def _finish(question: Question, pdu: bytes, received: bytes, end: int) -> bytes | None:
    if pdu[0] == question.function and question.fixed is None and len(pdu) > 1 and pdu[1] != question.size:
        raise WrongAnswerError(f"answered with {pdu[1]} bytes of values where {question.size} were asked for")
    if len(received) < end:
        return None
    if len(received) > end:
        raise WrongAnswerError("sent more than the answer")
    if pdu[0] & ERROR_BIT:
        raise _refusal(pdu[1])
    if question.fixed is None:
        return pdu[2:]
    if pdu[1:] != question.fixed:
        raise WrongAnswerError("confirmed another write than was asked for")
    return b""


def _refusal(code: int) -> RefusedError | GatewayError:
    text = f"Modbus exception {code} ({EXCEPTIONS.get(code, 'unknown')})"
    return GatewayError(text) if code in GATEWAY_CODES else RefusedError(text)


def registers_of(data: bytes) -> list[int]:
    """Values of a read of registers."""
    return list(struct.unpack(f">{len(data) // 2}H", data))


def bits_of(data: bytes, count: int) -> list[int]:
    """Values of a read of coils or discrete inputs, 0 or 1 each."""
    return [data[number // 8] >> (number % 8) & 1 for number in range(count)]


def _crc_of(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ 0xA001 if byte & 1 else byte >> 1
    return byte


_CRC: Final = tuple(map(_crc_of, range(256)))


def crc(data: bytes) -> int:
    """CRC-16 of an RTU frame (polynomial 0xA001, start 0xFFFF)."""
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ _CRC[(value ^ byte) & 0xFF]
    return value
