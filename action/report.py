"""How a step of a pipeline tells what it came to: outputs, a summary, one annotation.

For GitHub Actions and for Azure Pipelines. Both obey lines of what is printed that begin in their
own way, and what is told here may be the words of anybody who can name a model: so a text gets
no line of its own, and is escaped wherever it stands.
"""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol

_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+")
"""Line ends, colours, and text that runs the other way."""


class Level(StrEnum):
    """How an annotation looks."""

    NOTICE = "notice"
    WARNING = "warning"
    ERROR = "error"


class Told(NamedTuple):
    """What a step came to.

    Attributes:
        title: of the summary and the annotation, in a few words.
        detail: in a sentence.
        level: of the annotation; None for none.
        outputs: what later steps read.
        rows: of the summary, each a name and a text.
        link: a page and what it is called, or two empty texts.
        verdicts: of the rules, each a rule, its result and a sentence.
    """

    title: str
    detail: str
    level: Level | None
    outputs: Mapping[str, str]
    rows: tuple[tuple[str, str], ...] = ()
    link: tuple[str, str] = ("", "")
    verdicts: tuple[tuple[str, str, str], ...] = ()


class Report(Protocol):
    """Where a step tells it."""

    def hide(self, secret: str) -> None:
        """Keep a text out of the log from here on."""

    def tell(self, told: Told) -> None:
        """Write outputs, summary and annotation."""


def one_line(text: str) -> str:
    """Return a text as one line that no terminal and no runner obeys."""
    return _UNSEEN.sub(" ", text).strip()


def summary(told: Told) -> str:
    """Return what a reviewer reads: HTML without an empty line, so nothing in it is Markdown."""
    address, called = told.link
    parts = [f"<h3>{_text(told.title)}</h3>", f"<p>{_text(told.detail)}</p>"]
    rows = [(name, _text(value)) for name, value in told.rows if value]
    if address:
        rows.append(("page", f'<a href="{_text(address)}">{_text(called)}</a>'))
    parts.append(_table((), ((f"<b>{name}</b>", value) for name, value in rows)))
    if told.verdicts:
        cells = (tuple(map(_text, one)) for one in told.verdicts)
        parts.append(_table(("rule", "result", "says"), cells))
    return "<div>" + "".join(parts) + "</div>\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [("th", head)] if head else []
    lines += [("td", row) for row in rows]
    cells = ("".join(f"<{tag}>{cell}</{tag}>" for cell in row) for tag, row in lines)
    return "<table>" + "".join(f"<tr>{one}</tr>" for one in cells) + "</table>"


def _text(text: str) -> str:
    return html.escape(one_line(text))


class GitHub:
    """A step of GitHub Actions.

    Follows https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._output = environment.get("GITHUB_OUTPUT", "")
        self._summary = environment.get("GITHUB_STEP_SUMMARY", "")

    def hide(self, secret: str) -> None:
        """Keep a text out of the log from here on."""
        print(f"::add-mask::{secret}", flush=True)

    def tell(self, told: Told) -> None:
        """Write outputs, summary and annotation."""
        if self._output:
            lines = (_assigned(name, value) for name, value in told.outputs.items())
            _append(self._output, "".join(lines))
        if self._summary:
            _append(self._summary, "\n" + summary(told))
        print(f"Stageward: {one_line(told.detail)}")
        if told.level is not None:
            title = _escaped(one_line(told.title)).replace(":", "%3A").replace(",", "%2C")
            print(f"::{told.level} title={title}::{_escaped(one_line(told.detail))}")


def _assigned(name: str, value: str) -> str:
    """Return an output with an end that nobody can foresee, so that no value adds another one."""
    end = f"end_{uuid.uuid4().hex}"
    return f"{name}<<{end}\n{one_line(value)}\n{end}\n"


def _escaped(text: str) -> str:
    return text.replace("%", "%25")


class AzurePipelines:
    """A step of Azure Pipelines.

    Follows https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._folder = environment.get("AGENT_TEMPDIRECTORY", "")

    def hide(self, secret: str) -> None:
        """Keep a text out of the log from here on."""
        print(f"##vso[task.setsecret]{secret}", flush=True)

    def tell(self, told: Told) -> None:
        """Write outputs, summary and annotation."""
        for name, value in told.outputs.items():
            said = _azure(one_line(value))
            print(f"##vso[task.setvariable variable={name};isOutput=true]{said}")
        if self._folder:
            file = Path(self._folder) / f"stageward-{uuid.uuid4().hex}.md"
            _append(str(file), summary(told))
            print(f"##vso[task.uploadsummary]{file}")
        print(f"Stageward: {_azure(one_line(told.detail))}")
        if told.level in {Level.WARNING, Level.ERROR}:
            said = _azure(one_line(f"{told.title}: {told.detail}"))
            print(f"##vso[task.logissue type={told.level}]{said}")


def _azure(text: str) -> str:
    """Return a text that has no command of the agent in it: those are found anywhere in a line."""
    return text.replace("%", "%AZP25").replace("##vso[", "## vso[").replace("##[", "## [")


def _append(file: str, text: str) -> None:
    with Path(file).open("a", encoding="utf-8") as opened:
        opened.write(text)
