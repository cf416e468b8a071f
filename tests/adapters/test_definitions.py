"""Files of a configuration's folder are read, and no others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stage_functions.adapters.definitions import in_folder_of
from stage_functions.domain.error import InvalidInputError
from stage_functions.wire.definitions import MAX_DEFINITION_CHARACTERS


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """Return a configuration file with files around it."""
    folder = tmp_path / "here"
    (folder / "policies").mkdir(parents=True)
    (folder / "policies" / "a.json").write_text('{"ä": 1}', "utf-8")
    (folder / "latin.json").write_bytes(b"\xe4")
    (folder / "large.json").write_bytes(b" " * (MAX_DEFINITION_CHARACTERS * 4 + 1))
    (tmp_path / "secret.json").write_text("{}")
    (folder / "out.json").symlink_to(tmp_path / "secret.json")
    (folder / "in.json").symlink_to(folder / "policies" / "a.json")
    (folder / "loop.json").symlink_to(folder / "loop.json")
    os.mkfifo(folder / "pipe")
    return folder / "stageward.yaml"


@pytest.mark.parametrize("path", ["policies/a.json", "./policies/a.json", "in.json"])
def test_a_file_below_is_read(configuration: Path, path: str) -> None:
    """Also by a link that stays within, as a mounted folder has them."""
    assert '{"ä": 1}' == in_folder_of(configuration)(path)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("none.json", "there is no such file"),
        ("policies", "it is no file"),
        ("pipe", "it is no file"),
        ("out.json", "it leads out of the folder of the configuration file"),
        ("../secret.json", "a definition is in the folder of the configuration file or below it"),
        ("latin.json", "it is no text in UTF-8"),
        ("large.json", "it has more than 200,000 characters"),
        ("loop.json", "it cannot be read"),
        ("a.json/b.json", "there is no such file"),
        ("x" * 5000, "it cannot be read: File name too long"),
        ("a\0b", "it cannot be read"),
    ],
)
def test_whatever_else_is_refused_in_words(configuration: Path, path: str, said: str) -> None:
    """No reason names a folder of the machine."""
    with pytest.raises(InvalidInputError) as caught:
        in_folder_of(configuration)(path)

    assert said in str(caught.value)
    assert str(configuration.parent.parent) not in str(caught.value)
