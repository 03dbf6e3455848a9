"""The frame codec: against pymodbus' frames, byte by byte, and against anything at all."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadCoilsResponse, WriteSingleCoilRequest
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadHoldingRegistersResponse,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteMultipleRegistersResponse,
    WriteSingleRegisterRequest,
)
from simems_edge.bridges.errors import DeviceError, GatewayError, RefusedError, WrongAnswerError
from simems_edge.bridges.modbus.adu import (
    Framing,
    Question,
    bits_of,
    crc,
    frame,
    judge,
    read_question,
    registers_of,
    write_question,
)

FRAMERS = {Framing.TCP: FramerSocket(DecodePDU(False)), Framing.RTU: FramerRTU(DecodePDU(False))}
framings = st.sampled_from(list(Framing))
units, addresses, words = st.integers(1, 247), st.integers(0, 0xFF00), st.integers(0, 0xFFFF)


def theirs(framing: Framing, pdu: ModbusPDU) -> bytes:
    return FRAMERS[framing].buildFrame(pdu)


QUESTIONS = [
    (read_question(7, "holding", 100, 3), ReadHoldingRegistersRequest(address=100, count=3, dev_id=7)),
    (read_question(7, "input", 0, 125), ReadInputRegistersRequest(address=0, count=125, dev_id=7)),
    (read_question(7, "coil", 5, 11), ReadCoilsRequest(address=5, count=11, dev_id=7)),
    (
        write_question(7, "holding", 100, [1, 0xFFFF]),
        WriteMultipleRegistersRequest(address=100, registers=[1, 0xFFFF], dev_id=7, transaction_id=9),
    ),
    (
        write_question(7, "holding", 100, [513], single=True),
        WriteSingleRegisterRequest(address=100, registers=[513], dev_id=7, transaction_id=9),
    ),
    (write_question(7, "coil", 3, [1]), WriteSingleCoilRequest(address=3, bits=[True], dev_id=7, transaction_id=9)),
]  # fmt: skip


@pytest.mark.parametrize("framing", list(Framing))
@pytest.mark.parametrize(("question", "asked"), QUESTIONS)
def test_questions_are_the_frames_that_pymodbus_sends(framing: Framing, question: Question, asked: ModbusPDU) -> None:
    asked.transaction_id = 9
    assert frame(question, framing, 9) == theirs(framing, asked)


@given(framings, units, addresses, st.lists(words, min_size=1, max_size=125), st.integers(0, 0xFFFF))
@settings(max_examples=100, deadline=None)
def test_answers_of_pymodbus_are_taken_whole_and_no_sooner(
    framing: Framing, unit: int, address: int, values: list[int], number: int
) -> None:
    question = read_question(unit, "holding", address, len(values))
    answer = theirs(framing, ReadHoldingRegistersResponse(registers=values, dev_id=unit, transaction_id=number))
    assert registers_of(judge(question, framing, number, answer) or b"") == values
    for length in range(len(answer)):
        assert judge(question, framing, number, answer[:length]) is None


@pytest.mark.parametrize("framing", list(Framing))
def test_bits(framing: Framing) -> None:
    bits = [True, False, True, True, False, False, False, False, True, True, False]
    answer = theirs(framing, ReadCoilsResponse(bits=[*bits, *[False] * 5], dev_id=7, transaction_id=9))
    data = judge(read_question(7, "coil", 5, 11), framing, 9, answer)
    assert bits_of(data or b"", 11) == [int(bit) for bit in bits]


@given(framings, st.data())
@settings(max_examples=300, deadline=None)
def test_one_changed_byte_is_never_taken(framing: Framing, data: st.DataObject) -> None:
    """TCP: of the header and the counts (values are guarded by TCP's own checksum); RTU: of anything, by its CRC."""
    values = data.draw(st.lists(words, min_size=1, max_size=20))
    question = read_question(17, "holding", 0, len(values))
    answer = bytearray(theirs(framing, ReadHoldingRegistersResponse(registers=values, dev_id=17, transaction_id=300)))
    place = data.draw(st.integers(0, 8 if framing is Framing.TCP else len(answer) - 1))
    answer[place] ^= data.draw(st.integers(1, 255))
    taken = None
    with suppress(WrongAnswerError, RefusedError, GatewayError):
        taken = judge(question, framing, 300, bytes(answer))
    assert taken is None


@given(framings, st.binary(max_size=80))
@settings(max_examples=500, deadline=None)
def test_anything_is_an_answer_incomplete_or_a_declared_error(framing: Framing, received: bytes) -> None:
    for question, _ in QUESTIONS:
        try:
            judge(question, framing, 9, received)
        except DeviceError:
            continue


@pytest.mark.parametrize("framing", list(Framing))
def test_another_registers_confirmation_is_not_ours(framing: Framing) -> None:
    question = write_question(7, "holding", 100, [1, 2])
    right = WriteMultipleRegistersResponse(address=100, count=2, dev_id=7, transaction_id=9)
    assert judge(question, framing, 9, theirs(framing, right)) == b""
    for address, count in ((101, 2), (100, 3)):
        wrong = WriteMultipleRegistersResponse(address=address, count=count, dev_id=7, transaction_id=9)
        with pytest.raises(WrongAnswerError, match="another write"):
            judge(question, framing, 9, theirs(framing, wrong))


@pytest.mark.parametrize(
    ("code", "kind"), [(2, RefusedError), (6, RefusedError), (10, GatewayError), (11, GatewayError)]
)
def test_exceptions_are_told_apart(code: int, kind: type[DeviceError]) -> None:
    body = bytes([7, 0x83, code])
    with pytest.raises(kind, match=f"exception {code}"):
        judge(read_question(7, "holding", 0, 1), Framing.RTU, 0, body + crc(body).to_bytes(2, "little"))


@given(st.binary(max_size=260))
@settings(max_examples=100, deadline=None)
def test_checksum_is_that_of_pymodbus(data: bytes) -> None:
    assert crc(data).to_bytes(2, "little") == FramerRTU.compute_CRC(data).to_bytes(2, "big")
