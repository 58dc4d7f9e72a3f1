"""A mail server for tests: IMAP4rev1 over TLS on loopback, as far as a reader of attachments needs it (RFC 3501)."""

from __future__ import annotations

import contextlib
import datetime
import re
import socketserver
import ssl
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "bok@example.com", "mail-password"


class MailServer:
    """One mailbox with the folder INBOX; `mails` by uid. `epoch` is its UIDVALIDITY, `said` what was asked of it."""

    def __init__(self, folder: Path) -> None:
        self.mails: dict[int, bytes] = {}
        self.epoch = 7
        self.said: list[str] = []
        self.breaks_at = ""  # hangs up instead of answering this
        self.authority = _certificate(folder)
        self._files = folder

    def put(self, sender: str, *files: tuple[str, bytes, str], text: str = "See the attachment.") -> int:
        """A mail comes in; gives its uid. `files`: name, content, type."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender, USER, "Settlement"
        mail.set_content(text)
        for name, data, kind in files:
            main, _, sub = kind.partition("/")
            mail.add_attachment(data, maintype=main, subtype=sub, filename=name)
        uid = max(self.mails, default=0) + 1
        self.mails[uid] = mail.as_bytes()
        return uid

    @contextlib.contextmanager
    def serve(self) -> Iterator[int]:
        """Serve in a thread; gives the port."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._files / "cert.pem", self._files / "key.pem")
        server = _Server(("127.0.0.1", 0), self, context)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            server.server_close()
            thread.join(5)

    def answer(self, words: list[str], line: str) -> Iterator[bytes]:
        """Untagged lines of an answer; ValueError for a NO."""
        command = " ".join(words[:2]).upper() if words[0].upper() == "UID" else words[0].upper()
        if command == "CAPABILITY":
            yield b"* CAPABILITY IMAP4rev1"
        elif command == "LOGIN":
            if [word.strip('"') for word in words[1:]] != [USER, PASSWORD]:
                raise ValueError("wrong password")
        elif command == "EXAMINE":
            if words[1].strip('"') != "INBOX":
                raise ValueError("no such folder")
            yield f"* {len(self.mails)} EXISTS".encode()
            yield f"* OK [UIDVALIDITY {self.epoch}] valid".encode()
        elif command == "UID SEARCH":
            yield ("* SEARCH " + " ".join(map(str, self.mails))).encode()
        elif command == "UID FETCH":
            uid = int(words[2])
            data = self.mails.get(uid)
            if data is not None and "SIZE" in line:
                yield f"* {uid} FETCH (UID {uid} RFC822.SIZE {len(data)})".encode()
            elif data is not None:
                yield f"* {uid} FETCH (UID {uid} BODY[] {{{len(data)}}}".encode() + b"\r\n" + data + b")"
        elif command == "LOGOUT":
            yield b"* BYE"
        else:
            raise ValueError(f"a reader has no business with {command}")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], box: MailServer, context: ssl.SSLContext) -> None:
        self.box, self._context = box, context
        super().__init__(address, _Talk)

    def get_request(self) -> Any:
        sock, address = super().get_request()
        return self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that does not trust us hangs up: nothing to tell."""


class _Talk(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        box = self.server.box
        self.wfile.write(b"* OK ready\r\n")
        for raw in self.rfile:
            tag, *words = re.findall(r'"[^"]*"|\([^)]*\)|\S+', raw.decode().strip())
            line = " ".join(words)
            box.said.append(line if words[0] != "LOGIN" else "LOGIN")
            if box.breaks_at and box.breaks_at in line:
                return
            try:
                for row in box.answer(words, line):
                    self.wfile.write(row + b"\r\n")
                self.wfile.write(f"{tag} OK done\r\n".encode())
            except ValueError as no:
                self.wfile.write(f"{tag} NO {no}\r\n".encode())
            if words[0] == "LOGOUT":
                return


def _certificate(folder: Path) -> str:
    """A certificate for this machine, which is its own authority; gives it as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail for tests")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    (folder / "cert.pem").write_bytes(pem)
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pem.decode()
