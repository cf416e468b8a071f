"""Where the story plays: a registry as people have it before them, Stageward, a narrator."""

from __future__ import annotations

import shlex
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from stage_functions.demo.narrator import Narrator
from stage_functions.demo.processes import DemoError, Processes
from stage_functions.demo.screen import shown


class Workplace(Protocol):
    """A registry, as its users have it: they know nothing of Stageward."""

    @property
    def product(self) -> str:
        """What its users call it."""
        ...

    @property
    def command(self) -> str:
        """The command by which the story is played here, and stays up."""
        ...

    @property
    def asset(self) -> str:
        """The model's name, as Stageward prints it."""
        ...

    @property
    def invitation(self) -> tuple[str, ...]:
        """Where it is, and what to try there, line by line."""
        ...

    def train(self, stage: Stage) -> list[tuple[str, float]]:
        """Train classifiers and register each, the least accurate first.

        Args:
            stage: where to tell of it.

        Returns:
            The versions with their accuracy on the held-out set, in the order of registration.
        """
        ...

    def tag(self, version: str, key: str) -> str:
        """Return a tag of a version; "" where there is none."""
        ...

    def set_tag(self, who: str, version: str, key: str, value: str) -> None:
        """Set a tag of a version."""
        ...

    def tell_more(self, stage: Stage, versions: Sequence[str]) -> None:
        """Tell what this registry has, and others have not.

        Args:
            stage: where.
            versions: those that were registered, in order.
        """
        ...


Begin = Callable[[Processes, Path, Narrator, dict[str, str]], Workplace]
"""Starts a registry, and says in the environment where it is."""


class Stage(Struct, frozen=True):
    """Where the story plays.

    Attributes:
        workplace: the registry.
        stageward_url: Stageward.
        narrator: tells and checks.
        environment: of the command line.
    """

    workplace: Workplace
    stageward_url: str
    narrator: Narrator
    environment: dict[str, str]

    def name(self, version: str) -> str:
        """Return a version as Stageward prints it."""
        return f"{self.workplace.asset}:{version}"

    def tag(self, version: str, key: str) -> str:
        """Return a tag of a version, as its registry shows it."""
        return self.workplace.tag(version, key)

    def set_tag(self, who: str, version: str, key: str, value: str) -> None:
        """Set a tag, as somebody who knows the registry and nothing else."""
        place = self.workplace
        model = place.asset.rpartition("/")[2]
        self.narrator.show(f"{who} in {place.product}: {model} v{version}: {key} = {value}")
        place.set_tag(who, version, key, value)

    def run(self, who: str, *arguments: str, exits: int = 0) -> str:
        """Run the command line as somebody; return what it printed.

        Raises:
            DemoError: it exited otherwise than told.
        """
        self.narrator.show(f"{who}$ stageward {shlex.join(arguments)}")
        code, said = shown(
            [sys.executable, "-m", "stage_functions", *arguments],
            {**self.environment, "STAGEWARD_TOKEN": who, "COLUMNS": self.narrator.columns},
        )
        for line in said.splitlines():
            self.narrator.show(f"  {line}")
        if code != exits:
            message = f"`stageward {shlex.join(arguments)}` exited {code}, not {exits}"
            raise DemoError(message)
        return said

    def quietly(self, *arguments: str) -> str:
        """Run the command line as a risk officer, unseen; return what it printed."""
        done = subprocess.run(  # arguments are the story's own
            [sys.executable, "-m", "stage_functions", *arguments],
            env={**self.environment, "STAGEWARD_TOKEN": "officer-1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout

    def page(self, who: str, path: str) -> str:
        """Return a page as somebody sees it."""
        signed_in = {"Authorization": f"Bearer {who}"}
        request = urllib.request.Request(f"{self.stageward_url}{path}", headers=signed_in)  # noqa: S310  # loopback
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # likewise
            return str(answer.read().decode())

    def pending(self, version: str) -> str:
        """Wait for an approval to open on a version; return its id."""
        status = self.narrator.until(
            "stage_status", lambda: self.tag(version, "stage_status"), "pending approval"
        )
        return status.removeprefix("pending approval ").partition(",")[0]
