"""Drafts of the configuration, as they are sent to the server with the files that they name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from stage_functions.cli.output import fail
from stage_functions.domain.error import InvalidInputError, why_unread

_FAULT_PLACE = re.compile("(?:^|(?<= in ))draft(?=:|$)", re.MULTILINE)
"""Where the server names a draft, whose file it does not know."""


def text_of(path: Path) -> str:
    """Return the text of a draft, or end the command."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        fail(f"cannot read {path}: {why_unread(exc)}")


def definitions_of(draft: Path, text: str) -> Mapping[str, str]:
    """Return the texts of the files that a draft names; of one that cannot be read it is said."""
    from stage_functions.adapters.definitions import in_folder_of  # noqa: PLC0415  # only here
    from stage_functions.wire import yaml_marks  # noqa: PLC0415  # loads YAML
    from stage_functions.wire.definitions import named_files  # noqa: PLC0415  # only here

    document, faults = yaml_marks.read(text)
    read, found = in_folder_of(draft), {}
    for path in () if faults else named_files(document.value):
        try:
            found[path] = read(path)
        except InvalidInputError as exc:
            fail(f"{draft} names {path}: {exc}")
    return found


def in_file(draft: Path, said: str) -> str:
    """Return what the server says of a draft, with the name of its file."""
    return _FAULT_PLACE.sub(lambda _: str(draft), said)
