"""Secrets made on first start: small files, readable by their owner only, never logged."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import zmq


@dataclass(frozen=True)
class CurveKeys:
    """The server's CURVE key pair in Z85; edges know the public half."""

    public: str
    secret: str


def secret(data_dir: Path, name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(32)) -> str:
    """The secret of that name; made, mode 0600, when it is not there. Safe against two processes starting at once."""
    path = data_dir / "secrets" / name
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        _write_once(path, make())
    return path.read_text().strip()


def curve_keys(data_dir: Path) -> CurveKeys:
    public, private = secret(data_dir, "curve", _new_curve_pair).split()
    return CurveKeys(public=public, secret=private)


def jwt_key(data_dir: Path) -> str:
    return secret(data_dir, "jwt")


def _new_curve_pair() -> str:
    public, private = zmq.curve_keypair()
    return f"{public.decode()} {private.decode()}"


def _write_once(path: Path, text: str) -> None:
    """Complete or not at all: written aside, then linked; whoever links first wins."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as out:
            out.write(text + "\n")
            out.flush()
            os.fsync(out.fileno())
        os.link(scratch, path)
    except FileExistsError:
        return
    finally:
        scratch.unlink()
