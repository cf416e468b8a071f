"""The Functions app over a registry on a file, and with a small web application of its own.

The registry is in the place of an Azure ML workspace. Everything between is the real thing.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import function_app
from stage_functions.adapters.cel import CelRules
from stage_functions.adapters.clock import SystemClock
from stage_functions.adapters.tables import TableRows, table_service
from stage_functions.application.adoption import adopt
from stage_functions.application.context import Context
from stage_functions.application.ledger import open_ledger
from stage_functions.application.registries import RegistryStates
from stage_functions.application.scan import Scanner, found_empty
from stage_functions.bootstrap import Application
from stage_functions.domain.configuration import (
    Configuration,
    Mode,
    RegistryConfiguration,
    RegistryType,
)
from stage_functions.settings import read_settings
from stage_functions.triggers.http import Asgi, HttpTrigger, Message, Receive, Send
from stage_functions.triggers.once import Once
from tests.builders import DIRECTORY, lifecycle
from tests.fakes.registry import FileRegistry
from tests.wire.samples import WORKSPACE


def _open() -> Application:
    settings = read_settings()
    workspace = RegistryConfiguration("dev", RegistryType.AZUREML, WORKSPACE, Mode.ENFORCE)
    configuration = Configuration({"dev": workspace}, DIRECTORY, (lifecycle(),))
    clock = SystemClock()
    rows = TableRows(table_service(settings.tables), prefix="standin")
    rows.create_tables()
    context = Context(
        configuration,
        open_ledger(rows, clock),
        {"dev": FileRegistry(Path(os.environ["REGISTRY"]))},  # noqa: TID251  # told by the test
        RegistryStates(rows, clock, configuration),
        CelRules(),
        {},
        clock,
    )
    adopt(context)
    found_empty(context, "dev")
    return Application(settings, context, Scanner(context))


async def _echo(scope: Message, receive: Receive, send: Send) -> None:
    """Say how a request arrived; refuse to be started, for nobody asked."""
    assert scope["type"] == "http"
    shown = {name: scope[name] for name in ("asgi", "client", "method", "path", "scheme")}
    shown |= {name: scope[name].decode() for name in ("raw_path", "query_string")}
    shown["headers"] = {name.decode(): value.decode() for name, value in scope["headers"]}
    shown["body"] = (await receive())["body"].decode()
    headers = [(b"Vary", b"Accept"), (b"vary", b"Cookie"), (b"content-type", b"application/json")]
    headers += [(b"set-cookie", b"a=1; Path=/; HttpOnly"), (b"set-cookie", b"b=2; Secure")]
    await send({"type": "http.response.start", "status": 207, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(shown).encode()})


def _build() -> Asgi:
    return _echo


app = function_app.functions(Once(_open), HttpTrigger(_build))
