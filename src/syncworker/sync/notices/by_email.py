"""How is a notice sent as an email?

Once: its Message-ID is the same however often it is tried, so that a mail system that has it already can drop it. No
try takes longer than its timeouts.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, parseaddr

from syncworker.settings import PREFIX, Settings
from syncworker.store.secrets import Secrets
from syncworker.sync.notices.sending import NotSent, Outgoing

# One exchange; a mail server that thinks for longer is asked again later.
TIMEOUT_S = 10.0
_PERMANENT = range(500, 600)


def send(settings: Settings, secrets: Secrets, what: Outgoing) -> None:
    """Hand it to the mail server, or raise NotSent."""
    if settings.smtp_host is None or settings.mail_from is None:
        raise NotSent(f"{PREFIX}SMTP_HOST and {PREFIX}MAIL_FROM are not set", for_good=True)
    mail = _mail(settings, secrets, what)
    try:
        with _server(settings, settings.smtp_host) as server:
            server.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()), (550, b"refused"))
        raise NotSent(
            f"the mail server refuses the address: {_said(code, said)}", for_good=code in _PERMANENT
        ) from None
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        why = f"the mail server refuses the mail: {_said(error.smtp_code, error.smtp_error)}"
        raise NotSent(why, for_good=error.smtp_code in _PERMANENT) from None
    except smtplib.SMTPNotSupportedError as error:
        raise NotSent(f"the mail server cannot do what is needed: {error}", for_good=True) from None
    except smtplib.SMTPResponseException as error:
        why = f"the mail server refuses us: {_said(error.smtp_code, error.smtp_error)}"
        raise NotSent(why, all_alike=True) from None
    # TimeoutError and ssl.SSLError are OSErrors.
    except (smtplib.SMTPException, OSError) as error:
        raise NotSent(f"the mail server does not answer: {type(error).__name__}", all_alike=True) from None


@contextmanager
def _server(settings: Settings, host: str) -> Iterator[smtplib.SMTP]:
    safe = ssl.create_default_context()
    if settings.smtp_security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, settings.smtp_port, timeout=TIMEOUT_S, context=safe)
    else:
        server = smtplib.SMTP(host, settings.smtp_port, timeout=TIMEOUT_S)
    with server:
        if settings.smtp_security == "starttls":
            server.starttls(context=safe)
        if settings.smtp_user is not None:
            password = settings.smtp_password.get_secret_value() if settings.smtp_password else ""
            server.login(settings.smtp_user, password)
        yield server


def _mail(settings: Settings, secrets: Secrets, what: Outgoing) -> EmailMessage:
    name, address = parseaddr(settings.mail_from or "")
    mail = EmailMessage()
    # The portal's name is anybody's text: a line break in it must not begin a header.
    mail["Subject"] = " ".join(what.message.subject.split())
    mail["From"] = formataddr((name or "syncworker", address))
    mail["To"] = what.email or ""
    mail["Date"] = format_datetime(what.at)
    mail["Message-ID"] = f"<{idempotency_key(secrets, what)}@{address.rpartition('@')[2] or 'syncworker'}>"
    # RFC 3834: nobody's absence note answers it.
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(what.message.text(settings.pages_url) + "\n")
    return mail


def idempotency_key(secrets: Secrets, what: Outgoing) -> str:
    """The same for each try of a delivery, another one for any other delivery of any deployment."""
    return f"notice-{what.delivery_id}-{secrets.key_hash(f'notice {what.delivery_id} {what.at.isoformat()}')[:20]}"


def _said(code: int, said: bytes | str) -> str:
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"{code} {' '.join(words.split())[:200]}"
