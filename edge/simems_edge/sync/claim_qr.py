"""Claim code and fingerprint for a camera: upper-case letters, digits and colons, so that the image stays small."""

from __future__ import annotations

import io

import segno


def claim_text(code: str, fingerprint: str) -> str:
    """What the image says."""
    return f"SIMEMS:CLAIM:{code}:{fingerprint}"


def claim_svg(code: str, fingerprint: str) -> str:
    """An SVG element of its own, black on white, with its quiet zone."""
    image = segno.make(claim_text(code, fingerprint), error="m", micro=False)
    return str(image.svg_inline(scale=4, light="#fff"))


def claim_in_terminal(code: str, fingerprint: str) -> str:
    """Two rows of the image in a line of text."""
    out = io.StringIO()
    segno.make(claim_text(code, fingerprint), error="m", micro=False).terminal(out, compact=True)
    return out.getvalue()
