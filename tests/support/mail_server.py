"""A mail server that keeps what it is given, or refuses it, over real SMTP."""

from __future__ import annotations

import email
import email.policy
import socketserver
import threading
from email.message import EmailMessage
from types import TracebackType


class MailServer:
    """Listens on a port of its own for as long as the `with` lasts."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answer_to: dict[str, str] = {}
        """What it says to a command (`RCPT`, or `DATA` at the mail's end) in place of 250."""
        self.connections = 0
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> MailServer:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def settings(self) -> dict[str, object]:
        """What a worker needs to send here."""
        return {
            "smtp_host": "127.0.0.1", "smtp_port": self.port, "smtp_security": "none",
            "mail_from": "Leads <leads@us.example>",
        }  # fmt: skip

    def _handler(self) -> type[socketserver.StreamRequestHandler]:
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                server.connections += 1
                self._say("220 here")
                while line := self.rfile.readline():
                    command = line.split(b" ", 1)[0].strip().upper().decode()
                    if command == "DATA" and "DATA" not in server.answer_to:
                        self._say("354 go on")
                        server.mails.append(_parsed(self._lines()))
                        self._say("250 kept")
                    elif command == "QUIT":
                        self._say("221 bye")
                        return
                    else:
                        self._say(server.answer_to.get(command, "250 fine"))

            def _lines(self) -> bytes:
                lines = []
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
                return b"".join(lines)

            def _say(self, words: str) -> None:
                self.wfile.write(f"{words}\r\n".encode())

        return Handler


def _parsed(content: bytes) -> EmailMessage:
    parsed = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed
