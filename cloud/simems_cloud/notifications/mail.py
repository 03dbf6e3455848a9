"""Send one e-mail over SMTP; the server's acceptance decides."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from simems_cloud.kit.settings import Settings
from simems_cloud.notifications.webhook import NotDeliveredError

TIMEOUT_S = 20.0


def message(settings: Settings, delivery_id: str, recipient: str, subject: str, text: str) -> EmailMessage:
    """``Message-ID`` is the delivery's id: mail programs show a repeat once."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = settings.mail_from, recipient, subject
    made["Date"] = format_datetime(datetime.now(UTC))
    made["Message-ID"] = f"<{delivery_id}@simems>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(text)
    return made


async def send(settings: Settings, delivery_id: str, recipient: str, subject: str, text: str) -> None:
    """Raises NotDeliveredError."""
    if settings.smtp_url is None:
        raise NotDeliveredError("no mail server is set; the operator sets SIMEMS_SMTP_URL")
    try:
        made = message(settings, delivery_id, recipient, subject, text)
        await asyncio.to_thread(_send, settings.smtp_url, made)
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise NotDeliveredError(f"{type(error).__name__}: {error}"[:500]) from error


def _send(url: str, made: EmailMessage) -> None:
    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    if parts.scheme == "smtps":
        context = ssl.create_default_context()
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT_S, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 25, timeout=TIMEOUT_S)
    with server:
        server.ehlo()
        if parts.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        if parts.username:
            if not isinstance(server.sock, ssl.SSLSocket):
                raise smtplib.SMTPException("the server offers no encryption; the password is not sent")
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(made)
