"""What a step tells its runner: whatever the words are, they stay words."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from tests.pipelines.actions_runner import ACTION, read_outputs

PROGRAM = """
import json, os, sys
sys.path.insert(0, {action!r})
from report import AzurePipelines, GitHub, Level, Told
for text, place in json.load(sys.stdin):
    rows, verdicts = (("reason", text),), ((text, "failed", text),)
    told = Told(text, text, Level.ERROR, {{"outcome": text, "detail": "plain"}}, rows, (text, text), verdicts)
    environment = {{"GITHUB_OUTPUT": place + ".out", "GITHUB_STEP_SUMMARY": place + ".md"}}
    print("--")
    GitHub(environment).tell(told)
    print("--")
    AzurePipelines({{}}).tell(told)
"""
NASTY = st.one_of(
    st.text(max_size=40),
    st.lists(
        st.sampled_from(
            [
                "\n",
                "\r",
                "::error::x",
                "::add-mask::",
                "##vso[task.complete]",
                "##[error]",
                "%0A",
                "<script>",
                "<!--",
                "`",
                "|",
                "[x](y)",
                "end_",
                "outcome=granted",
                "\u2028",
                '"',
                "'",
            ]
        ),
        max_size=6,
    ).map("".join),
)


class Seen(NamedTuple):
    """What the runners made of a text."""

    outputs: dict[str, str]
    summary: str
    github: str
    azure: str


def tell(texts: list[str]) -> list[Seen]:
    """Tell each text, in one process."""
    import json

    with tempfile.TemporaryDirectory() as folder:
        places = [str(Path(folder) / str(number)) for number in range(len(texts))]
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(action=str(ACTION))],
            input=json.dumps(list(zip(texts, places, strict=True))),
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},  # noqa: TID251  # as here, in UTF-8
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert 0 == done.returncode, done.stderr
        parts = re.split(r"^--\n", done.stdout, flags=re.MULTILINE)[1:]
        return [
            Seen(
                dict(read_outputs(Path(f"{place}.out").read_text("utf-8"))),
                Path(f"{place}.md").read_text("utf-8"),
                parts[2 * number],
                parts[2 * number + 1],
            )
            for number, place in enumerate(places)
        ]


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Keep a tag."""
        self.seen.add(tag)

    def handle_comment(self, data: str) -> None:
        """Keep that there was one."""
        self.seen.add("!")


@given(st.lists(NASTY, min_size=1, max_size=40))
def test_no_words_become_an_output_a_command_or_markup(texts: list[str]) -> None:
    """Of whoever may name a model, write a reason or a rule: two outputs, one annotation, our tags."""
    for seen in tell(texts):
        tags = _Tags()
        tags.feed(seen.summary)

        assert {"outcome", "detail"} == set(seen.outputs)
        assert "plain" == seen.outputs["detail"]
        assert 2 == len(seen.github.splitlines())
        assert ["Stageward:", "::error"] == [
            line.split(" ")[0] for line in seen.github.splitlines()
        ]
        assert 3 == seen.azure.count("##vso[")
        assert "##[" not in seen.azure
        assert tags.seen <= {"div", "h3", "p", "table", "tr", "td", "th", "b", "a"}
        assert "\n" not in seen.summary.strip("\n")
