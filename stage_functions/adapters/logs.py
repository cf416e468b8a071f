"""How lines of the log are written: as text or as JSON, one line each, and with nothing personal.

The last line before something leaves this process: whatever a library or an exception says, what
looks like a token, a signature, a key or a mail address is taken out, and so are the names of the
people of the configuration. It is no excuse: what is logged is to name ids in the first place.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from textwrap import indent
from types import TracebackType

from stage_functions.application.correlation import current
from stage_functions.settings import Logs

HIDDEN = "[hidden]"
MAX_MESSAGE_CHARACTERS = 4000
MAX_FAULT_CHARACTERS = 6000
"""Of a traceback: its end says most."""
_LEAST_NAME_CHARACTERS = 3
_SECRETS = re.compile(
    r"""
      (?P<scheme>\b(?:bearer|basic|sharedaccesssignature|sharedkey(?:lite)?)\s+)[^\s"',;]+
    | \bstw_[\w-]+
    | \bwhsec_[\w+/=-]{8,}
    | \beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?
    | (?P<query>(?:(?<![a-z0-9])|(?<=%3f)|(?<=%26))(?:
        (?:sig|code)(?:=|%3d) |
        (?:signature|(?:access_|id_|form_)?token|(?:client_)?secret|password|passwd|pwd|
        accountkey|sharedaccesskey|sharedaccesssignature|api[_-]?key)["']?(?:=|%3d|:\s?)
      )["']?)[^\s&"',;<>]+
    | (?P<url>://)[^/\s:@]+:[^/\s@]+@
    """,
    re.IGNORECASE | re.VERBOSE,
)
_MAIL = re.compile(r"(?<![\w.+%~#-])[\w.+%~#-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")
"""It begins where a word does: tried at every character, long words would take their square."""
_UNBROKEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What would end a line, write over it, or turn it round; and halves of characters."""
_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_QUIET: Mapping[str, int] = {
    "azure": logging.WARNING,
    "httpx": logging.WARNING,
    "opentelemetry": logging.WARNING,
}
"""They tell of every request."""


class Redaction:
    """Takes out of a text what no log may keep. Safe to share between threads."""

    def __init__(self) -> None:
        self._names: re.Pattern[str] | None = None

    def hide(self, names: Iterable[str]) -> None:
        """Take out these names too, wherever they stand as whole words."""
        long = {one for one in names if len(one) >= _LEAST_NAME_CHARACTERS}
        longest_first = sorted(long, key=len, reverse=True)
        any_ = "|".join(map(re.escape, longest_first))
        self._names = re.compile(rf"(?<!\w)(?:{any_})(?!\w)") if any_ else None

    def clean(self, text: str) -> str:
        """Return a text without them, on as many lines as it had."""
        text = _SECRETS.sub(_hidden, text)
        text = _MAIL.sub(HIDDEN, text)
        if self._names is not None:
            text = self._names.sub(HIDDEN, text)
        return _UNBROKEN.sub(" ", text)


def _hidden(found: re.Match[str]) -> str:
    kept = found["scheme"] or found["query"] or found["url"] or ""
    return f"{kept}{HIDDEN}{'@' if found['url'] else ''}"


REDACTION = Redaction()
"""Of this process."""


class TextLines(logging.Formatter):
    """Lines for people; an exception follows on lines of its own, which all begin with a blank."""

    def __init__(self, form: str = _TEXT, redaction: Redaction = REDACTION) -> None:
        super().__init__(form)
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        said = logging.makeLogRecord(record.__dict__)
        said.msg, said.args = _message(record).replace("\n", " "), None
        said.exc_text = None
        return self._redaction.clean(super().format(said))

    def formatException(  # noqa: N802  # the library's own name
        self, ei: _Fault
    ) -> str:
        """Return an exception, shortened; whatever it says, no line of it looks like another's."""
        return indent(_fault(ei), "  ", lambda _: True)


class JsonLines(logging.Formatter):
    """One JSON object a line, for programs."""

    def __init__(
        self,
        redaction: Redaction = REDACTION,
        traceparent: Callable[[], str] | None = None,
        *,
        bare: bool = False,
    ) -> None:
        """Take where the trace is asked for.

        Args:
            redaction: takes out what no log may keep.
            traceparent: returns the W3C trace context of what is being done here, or "".
            bare: leave out what whoever takes the line adds: time, level and logger.
        """
        super().__init__()
        self._redaction = redaction
        self.traceparent = traceparent or (lambda: "")
        self._bare = bare

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        document: dict[str, str] = {}
        if not self._bare:
            at = datetime.fromtimestamp(record.created, UTC)
            document["time"] = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            document |= {"level": record.levelname, "logger": record.name}
        document["message"] = _message(record)
        document |= current()
        more = getattr(record, "stageward", None)
        document |= more if isinstance(more, Mapping) else {}
        document |= _traced(self.traceparent())
        if record.exc_info and record.exc_info[0] is not None:
            document["error"] = record.exc_info[0].__name__
            document["fault"] = _fault(record.exc_info)
        clean = {name: self._redaction.clean(str(value)) for name, value in document.items()}
        return json.dumps(clean, ensure_ascii=False)


_Fault = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def set_up(form: str, *, verbose: bool = False) -> None:
    """Log to the standard error, as `stageward serve` does.

    Args:
        form: as `Logs`; anything else is text.
        verbose: what libraries say of each way to sign in, too.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == Logs.JSON else TextLines())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    quieten(verbose=verbose)


def take_over(form: str) -> None:
    """Write the lines of a host that has its own handlers, as Azure Functions has.

    The host adds time, level and logger by itself, and where an invocation belongs.
    """
    for handler in logging.getLogger().handlers:
        handler.setFormatter(
            JsonLines(bare=True) if form == Logs.JSON else TextLines("%(message)s")
        )
    quieten()


def trace(traceparent: Callable[[], str]) -> None:
    """Give lines the trace that they are of."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, JsonLines):
            handler.formatter.traceparent = traceparent


def quieten(*, verbose: bool = False) -> None:
    """Let libraries say what is wrong, and no more."""
    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(level)
    if not verbose:
        hush_sign_in()


def hush_sign_in() -> None:
    """Keep back what is said of each way to sign in to Azure, every time: the error says enough."""
    logging.getLogger("azure.identity").setLevel(logging.ERROR)


def _message(record: logging.LogRecord) -> str:
    message = record.getMessage()
    cut = message[:MAX_MESSAGE_CHARACTERS]
    return cut if cut == message else f"{cut}…"


def _fault(info: _Fault) -> str:
    text = "".join(traceback.format_exception(*info)).rstrip()
    return text if len(text) <= MAX_FAULT_CHARACTERS else f"…{text[-MAX_FAULT_CHARACTERS:]}"


def _traced(traceparent: str) -> dict[str, str]:
    parts = traceparent.split("-")
    return {"trace": parts[1], "span": parts[2]} if len(parts) >= 3 else {}  # noqa: PLR2004  # W3C
