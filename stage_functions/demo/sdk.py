"""What somebody is given who wants to point Microsoft's SDK at the local Azure ML of the story.

A file with the environment, one with a token, and a program of a few lines. They lie in the folder
of the story, and are gone with it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

PROGRAM = """\
import os
import time
from pathlib import Path
from azure.ai.ml import MLClient
from azure.core.credentials import AccessToken


class Token:
    def get_token(self, *scopes, **options):
        return AccessToken(Path(os.environ["TOKEN_FILE"]).read_text(), int(time.time()) + 3600)


ml = MLClient(Token(), os.environ["SUBSCRIPTION"], os.environ["GROUP"], os.environ["WORKSPACE"])
model = ml.models.get("iris", "5")
model.tags["stage_request"] = "Production: asked by the SDK"
ml.models.create_or_update(model)
"""
"""Asks for a stage by a tag."""
_POINTING = ("ARM_CLOUD_METADATA_URL", "REQUESTS_CA_BUNDLE", "REGISTRY_DISCOVERY_ENDPOINT_URL")
"""The variables that azure-ai-ml reads."""


def prepare(folder: Path, environment: Mapping[str, str], workspace: str, token: str) -> Path:
    """Write what points the SDK to a workspace, as whoever has the token.

    Args:
        folder: where to; a token is in it afterwards.
        environment: of the local Azure ML.
        workspace: resource id.
        token: signs in.

    Returns:
        The file to be read by a shell.
    """
    (folder / "token").touch(mode=0o600)
    (folder / "token").write_text(token)
    (folder / "ask.py").write_text(PROGRAM)
    _, _, subscription, _, group, *_, name = workspace.split("/")
    values = {
        **{key: environment[key] for key in _POINTING},
        "SUBSCRIPTION": subscription,
        "GROUP": group,
        "WORKSPACE": name,
        "TOKEN_FILE": str(folder / "token"),
    }
    told = folder / "sdk.env"
    told.write_text("".join(f"export {key}={shlex.quote(one)}\n" for key, one in values.items()))
    return told


def words(told: Path, python: str) -> Iterator[str]:
    """Say how to use it, line by line.

    Args:
        told: as `prepare` returned it.
        python: that azure-ai-ml is installed for.
    """
    yield "By the SDK  in another terminal, as scientist-1, for an hour:"
    yield f"            . {shlex.quote(str(told))}"
    yield f"            {shlex.quote(python)} {shlex.quote(str(told.with_name('ask.py')))}"
    yield "            which asks for Production; that program is:"
    yield from (f"              {line}".rstrip() for line in PROGRAM.splitlines())
