"""A machine on which somebody is signed in to Azure by `az`, and App Service before a Stageward.

`az` is a program on the PATH that prints what it is told to, as the real one does; azure.identity
is the real one. App Service checks a token, and tells Stageward of it in its header.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import jwt
from fastapi import FastAPI
from msgspec.structs import replace
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from stage_functions.application.scan import Scanner
from stage_functions.settings import SignIn
from stage_functions.web.app import create_app
from stage_functions.web.entra import HEADER
from tests.api_server import serving
from tests.builders import DIRECTORY, World
from tests.web.principal import OID, header

AUDIENCE = "api://3f1c0d4e-0000-4000-8000-000000000000"
HOUR = 3600
NOT_SIGNED_IN = "ERROR: Please run 'az login' to setup account."
_KEY = "what Entra signs with, on this machine alone"
_PROGRAM = """\
#!/bin/sh
echo "$@" >> {folder}/calls
[ -f {folder}/error ] && {{ cat {folder}/error >&2; exit 1; }}
cat {folder}/answer
"""


def token_for(audience: str = AUDIENCE, oid: str = OID) -> str:
    """Return a token that Entra would give."""
    claims = {"aud": audience, "oid": oid, "exp": int(time.time()) + HOUR}  # noqa: TID251  # a token
    return jwt.encode(claims, _KEY, "HS256")


@dataclass(frozen=True, slots=True)
class Az:
    """A machine with `az`.

    Attributes:
        folder: where it keeps what it says, and what it was asked.
    """

    folder: Path

    def says(self, token: str, ends: float) -> None:
        """Let it give a token that ends so many seconds after 1970."""
        (self.folder / "error").unlink(missing_ok=True)
        answer = {"accessToken": token, "expires_on": int(ends), "tokenType": "Bearer"}
        (self.folder / "answer").write_text(json.dumps(answer))

    def fails(self, said: str = NOT_SIGNED_IN) -> None:
        """Let it give none."""
        (self.folder / "error").write_text(said)

    @property
    def asked(self) -> list[str]:
        """Return what it was asked, in order."""
        calls = self.folder / "calls"
        return calls.read_text().splitlines() if calls.exists() else []

    def environment(self) -> dict[str, str]:
        """Return the variables of a terminal there, which reaches no identity but that of `az`."""
        path = os.environ["PATH"]  # noqa: TID251  # a terminal has that of its machine
        return {
            "PATH": f"{self.folder}{os.pathsep}{path}",
            "AZURE_TOKEN_CREDENTIALS": "AzureCliCredential",
        }


def az_in(folder: Path) -> Az:
    """Return a machine on which somebody is signed in, with a token of an hour."""
    program = folder / "az"
    program.write_text(_PROGRAM.format(folder=folder))
    program.chmod(0o755)
    made = Az(folder)
    made.says(token_for(), time.time() + HOUR)  # noqa: TID251  # a token says when it ends
    return made


class AppService:
    """Stands before an application as App Service does: a token for another app ends there."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a call through, with what the platform knows of who makes it."""
        sent = Headers(scope=scope).get("Authorization", "").removeprefix("Bearer ")
        own = HEADER.lower().encode()
        headers = [pair for pair in scope["headers"] if pair[0] != own]
        if sent:
            try:
                claims = jwt.decode(sent, _KEY, ["HS256"], audience=AUDIENCE)
            except jwt.InvalidTokenError:
                refused = PlainTextResponse("", 401, {"WWW-Authenticate": "Bearer"})
                await refused(scope, receive, send)
                return
            headers.append((own, header(("oid", claims["oid"])).encode()))
        await self._app({**scope, "headers": headers}, receive, send)


@contextmanager
def behind_app_service(behind: World) -> Iterator[str]:
    """Serve Stageward inside the block; whoever `az` has signed in is ada."""
    ada = replace(DIRECTORY.people["ada"], ids=("mlflow:ada", f"oid:{OID}"))
    directory = replace(DIRECTORY, people={**DIRECTORY.people, "ada": ada})
    configuration = replace(behind.context.configuration, directory=directory)
    context = replace(behind.context, configuration=configuration)
    app = create_app(context, Scanner(context), sign_in=SignIn.ENTRA)
    with serving(AppService(app)) as address:  # type: ignore[arg-type]  # an ASGI application
        yield address
