"""Tell the story as it happens, and check that it happens as told."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console

from stage_functions.demo.processes import DemoError

PATIENCE_SECONDS = 60.0


class Narrator:
    """Prints steps; a step that comes out otherwise than told ends the story."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._step = 0

    @property
    def columns(self) -> str:
        """How wide a command may print, behind the indent."""
        return str(self._console.width - 5)

    def expect(self, wanted: str, seen: str) -> None:
        """Check what was seen.

        Raises:
            DemoError: it is not what is told.
        """
        if wanted not in seen:
            message = f"step {self._step}: '{wanted}' was to be seen in '{seen}'"
            raise DemoError(message)

    def tell(self, text: str) -> None:
        """Begin a step."""
        self._step += 1
        self._console.print(f"\n[bold]{self._step}. {text}[/bold]")

    def show(self, text: str) -> None:
        """Show what was seen."""
        self._console.print(f"   {text}", highlight=False, markup=False)

    def until(self, what: str, seen: Callable[[], str], wanted: str) -> str:
        """Wait until a value contains what is told, and show it.

        Raises:
            DemoError: it came out otherwise.
        """
        value = self.wait(what, seen, wanted)
        self.show(f"{what}: {value}")
        return value

    def wait(self, what: str, seen: Callable[[], str], wanted: str) -> str:
        """Wait until a value contains what is told.

        Raises:
            DemoError: it came out otherwise.
        """
        end = time.monotonic() + PATIENCE_SECONDS
        value = seen()
        while wanted not in value:
            if time.monotonic() > end:
                message = (
                    f"step {self._step}: {what} should have become '{wanted}', it is '{value}'"
                )
                raise DemoError(message)
            time.sleep(0.1)
            value = seen()
        return value
