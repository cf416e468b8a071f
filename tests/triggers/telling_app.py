"""The Functions app itself, whose web application says what the process has loaded, and no more."""

from __future__ import annotations

import json
import sys

import function_app
from stage_functions.triggers.http import Asgi, HttpTrigger, Message, Receive, Send


async def _tell(_scope: Message, receive: Receive, send: Send) -> None:
    """Answer with the names of the modules."""
    await receive()
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(sorted(sys.modules)).encode()})


def _build() -> Asgi:
    return _tell


app = function_app.functions(function_app.application, HttpTrigger(_build))
