"""Attachments of mails in a folder of an IMAP server, over TLS. It is only looked at: nothing in it changes."""

from __future__ import annotations

import contextlib
import imaplib
import re
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any, NamedTuple

from samklang.connectors.contract import Exchange, Paper, Surroundings
from samklang.connectors.errors import BadAnswer, LoginRefused, Misconfigured, RemoteFault, SamklangError, Unreachable
from samklang.connectors.transport import about, connected

_LARGEST = 48 * 2**20  # bytes of a mail; attachments grow by a third in it
_SECONDS = 60.0
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: What mails carry beside statements: logos, signatures, the same as a picture of paper.
_OTHER = ("image/", "text/html", "text/calendar", "application/pdf", "application/pkcs7", "application/pgp", "message/")


class Login(NamedTuple):
    """Where the mailbox is, and who we are there. `authority` is the certificate (PEM) of an authority of one's own."""

    host: str
    port: int
    user: str
    password: str
    authority: str = ""


class Mailbox:
    """One folder of one mailbox. `senders`: only mails from these addresses count; none = from anybody."""

    def __init__(self, login: Login, folder: str, senders: frozenset[str], around: Surroundings) -> None:
        self._login, self._folder, self._senders, self._around = login, folder, senders, around

    def check(self) -> None:
        """Log in and open the folder; raises our errors."""
        with self._opened("EXAMINE"):
            pass

    def papers(self, since: date, known: Callable[[str], bool]) -> Iterator[Paper]:
        """Attachments of mails that came since the day, oldest first. A mail's own name comes after its attachments and
        says that it is done; so it is fetched once."""
        with self._opened("FETCH") as (imap, epoch):
            asked = f"SINCE {since.day}-{_MONTHS[since.month - 1]}-{since.year}"
            found = _good(imap.uid("SEARCH", asked), "search")
            for number in b" ".join(row for row in found if isinstance(row, bytes)).split():
                name = f"mail {epoch}/{number.decode()}"
                if not known(name):
                    yield from self._attachments(name, self._mail(imap, number))

    def _attachments(self, name: str, mail: EmailMessage | None) -> Iterator[Paper]:
        sender = parseaddr(str(mail.get("From", "")))[1].casefold() if mail is not None else ""
        if mail is not None and (not self._senders or sender in self._senders):
            for place, part in enumerate(mail.walk()):
                file = part.get_filename()
                data = part.get_payload(decode=True)
                if file and isinstance(data, bytes) and data and not part.get_content_type().startswith(_OTHER):
                    yield Paper(f"{name}/{place} {_plain(file)}", data)
        yield Paper(name)

    def _mail(self, imap: imaplib.IMAP4, number: bytes) -> EmailMessage | None:
        """The mail; None for one that somebody took away in between. BadAnswer for one that is too large."""
        uid = number.decode()
        said = _good(imap.uid("FETCH", uid, "(RFC822.SIZE)"), "fetch")
        size = re.search(rb"RFC822\.SIZE (\d+)", b" ".join(row for row in said if isinstance(row, bytes)))
        if size is None:
            return None
        if int(size[1]) > _LARGEST:
            raise BadAnswer(f"Mail {uid} is larger than {_LARGEST // 2**20} MB", do_this="Move it to another folder.")
        for row in _good(imap.uid("FETCH", uid, "(BODY.PEEK[])"), "fetch"):
            if isinstance(row, tuple):
                mail = message_from_bytes(row[1], policy=policy.default)
                assert isinstance(mail, EmailMessage), "the policy makes these"
                return mail
        return None

    @contextlib.contextmanager
    def _opened(self, verb: str) -> Iterator[tuple[imaplib.IMAP4, str]]:
        """The folder, open for reading only, and the epoch in which its mails have their numbers."""
        at, began, failure = datetime.now(UTC), time.perf_counter(), ""
        try:
            with _connection(self._login, self._around) as imap:
                _signed_in(imap, self._login)
                if imap.select(_quoted(self._folder), readonly=True)[0] != "OK":
                    raise Misconfigured(f"There is no folder {self._folder}", do_this="Correct the folder's name.")
                epoch = imap.untagged_responses.get("UIDVALIDITY", [b"0"])[0]
                yield imap, epoch.decode() if isinstance(epoch, bytes) else "0"
        except SamklangError as error:
            failure = str(error)
            raise
        except (imaplib.IMAP4.error, OSError) as error:
            failure = f"{error.__class__.__name__}: {error}"
            raise RemoteFault(f"The mail server broke off: {error}") from error
        finally:
            self._around.capture(
                Exchange(
                    method=verb, url=f"imaps://{self._login.host}/{self._folder}", status=0 if failure else 200, at=at,
                    seconds=time.perf_counter() - began, error=failure, about=about.get(),
                )
            )  # fmt: skip


class _Imap(imaplib.IMAP4_SSL):
    """TLS over a connection whose address was judged."""

    def __init__(self, login: Login, around: Surroundings) -> None:
        self._allowed = around.allow_private
        super().__init__(login.host, login.port, ssl_context=_context(login.authority), timeout=_SECONDS)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        sock = connected(self.host, self.port, self._allowed)
        sock.settimeout(timeout)
        secure: socket.socket = self.ssl_context.wrap_socket(sock, server_hostname=self.host)
        return secure


def _context(authority: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if authority.strip():
        try:
            context.load_verify_locations(cadata=authority)
        except ssl.SSLError as error:
            raise Misconfigured("The certificate of the authority cannot be read", do_this="Give it as PEM.") from error
    return context


@contextlib.contextmanager
def _connection(login: Login, around: Surroundings) -> Iterator[imaplib.IMAP4]:
    try:
        imap = _Imap(login, around)
    except ssl.SSLCertVerificationError as error:
        raise Misconfigured(
            f"The mail server's certificate is not trusted: {error.verify_message}",
            do_this="Correct the server's name, or give the certificate of its authority.",
        ) from error
    except ssl.SSLError as error:
        raise Unreachable(f"The mail server speaks no TLS there: {error}") from error
    with contextlib.ExitStack() as stack:
        stack.callback(_leave, imap)
        yield imap


def _leave(imap: imaplib.IMAP4) -> None:
    with contextlib.suppress(imaplib.IMAP4.error, OSError):  # it has hung up already
        imap.logout()


def _signed_in(imap: imaplib.IMAP4, login: Login) -> None:
    try:
        imap.login(login.user, login.password)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        raise LoginRefused("The mail server refused user or password") from error


def _good(answer: tuple[str, list[Any]], what: str) -> list[bytes | tuple[bytes, bytes]]:
    """What the server gave: lines, and (line, data) where it sent some."""
    word, rows = answer
    if word != "OK":
        raise BadAnswer(f"The mail server refused to {what}: {rows!r:.200}")
    return [row for row in rows if row is not None]


def _quoted(folder: str) -> str:
    """A folder's name as IMAP writes it: in quotes, what is no ASCII in modified UTF-7 (RFC 3501, 5.1.3)."""
    plain = folder.replace("&", "&-")
    coded = re.sub(r"[^ -~]+", lambda run: f"&{_base64(run[0])}-", plain)
    return '"' + coded.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _base64(text: str) -> str:
    return b64encode(text.encode("utf-16-be")).decode().rstrip("=").replace("/", ",")


def _plain(file: str) -> str:
    """A file's name as it may stand in a list."""
    return re.sub(r"[^\w.,() +-]", "_", file)[-80:]
