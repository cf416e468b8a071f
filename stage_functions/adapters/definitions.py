"""Reads the files of a configuration's folder that its rules name, and no others.

A link counts as what it leads to: whoever may write the configuration may not show files of the
machine by it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stage_functions.domain.error import InvalidInputError
from stage_functions.wire.definitions import MAX_DEFINITION_CHARACTERS, path_fault

_BYTES_A_CHARACTER = 4


def in_folder_of(configuration: Path) -> Callable[[str], str]:
    """Return what reads the files in the folder of a configuration file and below it.

    What is returned raises InvalidInputError, with the reason, where there is no such file, it is
    larger than a definition may be, or no text.
    """
    folder = configuration.parent

    def read(path: str) -> str:
        fault = path_fault(path)
        if fault:
            raise InvalidInputError(fault)
        try:
            file = (folder / path).resolve(strict=True)
            if not file.is_relative_to(folder.resolve()):
                message = "it leads out of the folder of the configuration file"
                raise InvalidInputError(message)
            if not file.is_file():
                message = "it is no file"
                raise InvalidInputError(message)
            if file.stat().st_size > MAX_DEFINITION_CHARACTERS * _BYTES_A_CHARACTER:
                message = f"it has more than {MAX_DEFINITION_CHARACTERS:,} characters"
                raise InvalidInputError(message)
            return file.read_text("utf-8")
        except FileNotFoundError as exc:
            message = "there is no such file; its path begins at the folder of the configuration"
            raise InvalidInputError(message) from exc
        except (OSError, RuntimeError, ValueError) as exc:
            message = f"it cannot be read: {_why(exc)}"
            raise InvalidInputError(message) from exc

    return read


def _why(fault: Exception) -> str:
    """Return the reason without the path, which names folders of the machine."""
    if isinstance(fault, OSError) and fault.strerror:
        return fault.strerror
    return "it is no text in UTF-8" if isinstance(fault, UnicodeDecodeError) else str(fault)
