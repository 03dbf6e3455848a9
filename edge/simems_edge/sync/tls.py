"""TLS as the site file wants it, and in words what is wrong when the two sides do not trust each other."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from typing import Final

from simems_edge.sync.link import Cloud, LinkError

ASK_S: Final = 5.0
BAD_REQUEST: Final = 400
NOT_YET, EXPIRED, OTHER_NAME, OTHER_ADDRESS = 9, 10, 62, 64
"""X509_V_ERR_... of OpenSSL; what is none of these is an authority that is not trusted."""
_OF_THE_CLOUD: Final = {
    NOT_YET: "its certificate begins later; set the clock of this box right",
    EXPIRED: "its certificate has expired; renew it there, or set the clock of this box right",
    OTHER_NAME: "its certificate is for another name; write the name that it is for as cloud.endpoint",
    OTHER_ADDRESS: "its certificate is for another address; write the name that it is for as cloud.endpoint",
}
UNTRUSTED: Final = "its certificate is of an authority that this box does not trust; name its file as cloud.ca_file"
OURS: Final = (
    ("CERTIFICATE_REQUIRED", "it wants a certificate of this box; name cloud.certificate and cloud.certificate_key"),
    ("HANDSHAKE_FAILURE", "it wants a certificate of this box; name cloud.certificate and cloud.certificate_key"),
    ("CERTIFICATE_EXPIRED", "the certificate of this box has expired; put a new one in cloud.certificate"),
    ("UNKNOWN_CA", "it does not trust who signed cloud.certificate; have it signed by the authority that it trusts"),
    ("BAD_CERTIFICATE", "it does not take cloud.certificate; have one made for this box by the authority it trusts"),
)
"""Alerts of the other side about our certificate."""


def tls_of(cloud: Cloud) -> ssl.SSLContext:
    """Raises LinkError for files that cannot be used."""
    try:
        context = ssl.create_default_context(cafile=cloud.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise LinkError(f"cloud.ca_file: {cloud.ca_file}: {_unusable(error)}") from error
    if cloud.certificate is not None:
        try:
            context.load_cert_chain(*cloud.certificate)
        except (OSError, ssl.SSLError) as error:
            text = f"cloud.certificate, cloud.certificate_key: {', '.join(cloud.certificate)}: {_unusable(error)}"
            raise LinkError(text) from error
    return context


def tls_trouble(error: BaseException) -> str | None:
    """What is wrong with a certificate, and what to do; None when the error is not about one."""
    for one in _causes(error):
        if isinstance(one, ssl.SSLCertVerificationError):
            return _OF_THE_CLOUD.get(one.verify_code, UNTRUSTED)
        if isinstance(one, ssl.SSLError):
            said = str(one).upper().replace(" ", "_")
            return next((remedy for alert, remedy in OURS if alert in said), None)
    return None


def answer_trouble(status: int, text: str) -> str | None:
    """What nginx answers, and why, when it does not take our certificate; None for any other answer."""
    if status != BAD_REQUEST or "SSL certificate" not in text:
        return None
    return OURS[0][1] if "No required" in text else "it does not take cloud.certificate; put a new one there"


async def asked_why(host: str, port: int, context: ssl.SSLContext) -> str | None:
    """As :func:`tls_trouble`, by a handshake of our own: for libraries that keep the reason to themselves."""
    try:
        async with asyncio.timeout(ASK_S):
            reader, writer = await asyncio.open_connection(host, port, ssl=context)
            try:
                await reader.read(1)
            finally:
                writer.transport.abort()
    except (OSError, TimeoutError) as error:
        return tls_trouble(error)
    return None


def _unusable(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return "is no PEM file that can be used here; give the certificate, and the key that belongs to it, as PEM"
    return f"cannot be read ({error.strerror}); check the path and who may read it"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """It, and what it came from."""
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__
