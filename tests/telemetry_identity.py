"""What a managed identity needs, over TLS: where it gets tokens, and an ingestion that demands one."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.azureml.certificates import issue

TOKEN = "a.managed.identity"


@dataclass(frozen=True, slots=True)
class Platform:
    """App Service and Application Insights, as far as they concern an identity.

    Attributes:
        url: where both are.
        trusted: file with the authority to trust.
        asked: queries for tokens.
        taken: envelopes that came with the token.
        refused: how many requests came without.
    """

    url: str
    trusted: Path
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    taken: list[dict[str, object]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


@contextmanager
def platform(folder: Path) -> Iterator[Platform]:
    """Run both inside the block."""
    trusted, chain = issue(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            it.asked.append(parse_qs(urlsplit(self.path).query))
            expires = str(int(time.monotonic()) + 2_000_000_000)
            self._answer(200, {"access_token": TOKEN, "expires_on": expires, "resource": "r"})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                it.refused.append(self.path)
                self._answer(401, {})
                return
            it.taken.extend(json.loads(body))
            self._answer(200, {"itemsReceived": 1, "itemsAccepted": 1, "errors": []})

        def _answer(self, status: int, document: object) -> None:
            said = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is given
            """Say nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        it = Platform(f"https://127.0.0.1:{server.server_port}", trusted)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield it
        finally:
            server.shutdown()
            thread.join()
