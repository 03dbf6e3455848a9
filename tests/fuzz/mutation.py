"""Bytes that break decoders, the same for the same seed."""

from __future__ import annotations

import random

NASTY = [
    b"", b"\x00", b"\xff", b"\xc0", b"\xc1", b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", b"\xcf" + b"\xff" * 8,
    b"\xd3\x80" + b"\x00" * 7, b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff",
    b"\xc6\x7f\xff\xff\xff", b"\x91" * 600, b"\x81\xa1a" * 600, b"[" * 600, b"{" * 600, b"- " * 300, b"&a ", b"*a",
    b"<<: ", b"!!python/name:os.system ", b"\t", b"---\n", b"? ", b": ", b"|\n", b"'", b'"', b'"\\UFFFFFFFF"',
    b"9" * 400, b"1e999", b"-1e999", b".nan", b"nan", b"-.inf", b"60 kWh", b"\xe2\x80\xa8", b"\xed\xa0\x80", b"\r",
    b"true", b"null", b"~", b"0x10", b"1_0", b",", b"\n", b"\n\n", b"#",
]  # fmt: skip


def mutated(dice: random.Random, seeds: list[bytes]) -> bytes:
    """One of the seeds with up to six pieces cut, doubled, overwritten or crossed with another seed's."""
    raw = bytearray(dice.choice(seeds))
    for _ in range(dice.randint(1, 6)):
        _mutate(dice, raw, seeds)
    return bytes(raw)


def _mutate(dice: random.Random, raw: bytearray, seeds: list[bytes]) -> None:
    start = dice.randrange(len(raw) + 1)
    end = min(len(raw), start + dice.choice((0, 1, 1, 2, 4, 8, 40)))
    match dice.randrange(6):
        case 0:
            del raw[start:end]
        case 1:
            raw[start:end] = dice.choice(NASTY)
        case 2:
            raw[start:start] = raw[start:end]
        case 3 if start < len(raw):
            raw[start] ^= 1 << dice.randrange(8)
        case 4:
            other = dice.choice(seeds)
            place = dice.randrange(len(other) + 1)
            raw[start:end] = other[place : place + dice.randrange(60)]
        case _:
            raw[start:end] = dice.randbytes(end - start)
