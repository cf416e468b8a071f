"""The back door of a local Azure ML that another process serves, and how to start one.

A process says in one line where it is; the methods of `LocalAzureMl` are called there by name.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
from msgspec import Struct

_TIMEOUT_SECONDS = 60
_STOP_SECONDS = 10


class Started(Struct, frozen=True):
    """What a server's process says when it is ready.

    Attributes:
        url: where everything answers.
        ca: the file with the certificate to trust.
        environment: what points programs there.
        workspaces: their ids by name.
        registries: likewise.
        tokens: by the names of people.
    """

    url: str
    ca: str
    environment: dict[str, str]
    workspaces: dict[str, str]
    registries: dict[str, str]
    tokens: dict[str, str]


class RemoteError(Exception):
    """The back door did not do what it was asked."""


class RemoteAzureMl:
    """The back door; `call` takes the methods of `LocalAzureMl` and their arguments by name.

    Attributes:
        started: what the process said.
    """

    def __init__(self, started: Started) -> None:
        self.started = started
        trusted = ssl.create_default_context(cafile=started.ca)
        self._client = httpx.Client(
            base_url=started.url, verify=trusted, timeout=_TIMEOUT_SECONDS, trust_env=False
        )

    @property
    def workspaces(self) -> Mapping[str, str]:
        """The ids of workspaces by name."""
        return self.started.workspaces

    @property
    def registries(self) -> Mapping[str, str]:
        """The ids of registries by name."""
        return self.started.registries

    def call(self, name: str, /, **arguments: Any) -> Any:  # noqa: ANN401  # JSON both ways
        """Do something by the back door; places are given by their ids.

        Raises:
            RemoteError: it did not work.
        """
        answer = self._client.post(f"/local/{name}", json=arguments)
        if not answer.is_success:
            raise RemoteError(answer.text)
        return answer.json()["result"]

    def close(self) -> None:
        """Hang up."""
        self._client.close()


@contextmanager
def separate(*arguments: str) -> Iterator[RemoteAzureMl]:
    """Run a server in a process of its own inside the block.

    Args:
        arguments: of `python -m tests.azureml`.
    """
    command = [sys.executable, "-m", "tests.azureml", *arguments]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            remote = RemoteAzureMl(Started(**json.loads(process.stdout.readline())))
            try:
                yield remote
            finally:
                remote.close()
        finally:
            process.terminate()
            process.wait(_STOP_SECONDS)
