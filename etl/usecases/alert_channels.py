"""The channels of the settings, opened for a run of sending."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from etl.alerts.channels import FolderChannel, MailChannel
from etl.alerts.mail import Envelope
from etl.alerts.smtp import VARIABLE, SmtpChannel, read_smtp_url
from etl.alerts.webhooks import WebhookChannel, read_webhooks
from etl.calendar.deadlines import TIMEZONE
from etl.register.alerting import ContactRole
from etl.settings import DEFAULT_MAIL_FROM
from etl.usecases.context import Context


class NoChannel(ValueError):
    """Neither a mail server nor a webhook is set: nothing can be sent."""


@dataclass(frozen=True)
class Channels:
    """Where letters go. `mail` None: no mail server is set, chat rooms alone are served."""

    mail: MailChannel | None
    rooms: WebhookChannel
    envelope: Envelope


@contextmanager
def open_channels(context: Context) -> Iterator[Channels]:
    """The channels of the settings. Raises NoChannel, ValueError for a setting that is wrong."""
    settings = context.settings
    rooms = WebhookChannel(read_webhooks(settings.webhooks))
    if not settings.smtp_url and not rooms.rooms:
        raise NoChannel(
            f"no mail server: set {VARIABLE} (smtp://USER:PASSWORD@HOST:587), or file:///FOLDER to write mails to a folder"
        )
    envelope = make_envelope(context)
    if not settings.smtp_url:
        yield Channels(None, rooms, envelope)
        return
    with _open_mail(context, settings.smtp_url) as mail:
        yield Channels(mail, rooms, envelope)


def make_envelope(context: Context) -> Envelope:
    """From the standing office; answers go to its first contact. Raises ValueError for a sender that is no address."""
    settings, register = context.settings, context.register
    local, _, domain = settings.mail_from.rpartition("@")
    if (
        not local
        or not domain
        or not settings.mail_from.isascii()
        or any(sign.isspace() for sign in settings.mail_from)
    ):
        raise ValueError("MOVEMENT_REPORTS_MAIL_FROM is no mail address such as thiduakhenthuong@tinh.example")
    office = register.contacts_in(ContactRole.STANDING_OFFICE, context.clock().astimezone(TIMEZONE).date())
    return Envelope(settings.mail_from, register.province.standing_office, office[0].email if office else None, domain)


def _open_mail(context: Context, url: str) -> MailChannel:
    settings = context.settings
    if urlsplit(url).scheme == "file":
        return FolderChannel(Path(unquote(urlsplit(url).path)))
    server = read_smtp_url(url)
    if settings.mail_from == DEFAULT_MAIL_FROM and not context.register.province.simulated:
        raise ValueError("MOVEMENT_REPORTS_MAIL_FROM is not set: mail needs a sender that answers reach")
    return SmtpChannel(server, settings.mail_from)
