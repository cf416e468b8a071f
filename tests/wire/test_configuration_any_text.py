"""The configuration file: whatever is in it, it loads or is refused in words."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from stage_functions.domain.error import ConfigurationError
from stage_functions.wire.configuration import load
from tests.wire.configuration_file import DEFAULT, ENVIRONMENT

TOKENS = [
    *"[]{}:,-?&*!|>'\"%@`#\n\t ",
    *("- ", ": ", "~", "null", "On", "1", "1.5", "None", "${X}", "<<: ", "*a", "&a ", "Staging"),
]


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """Return the default file with some parts cut, replaced, or moved."""
    text = DEFAULT
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 20)))
        middle = draw(
            st.one_of(
                st.just(""), st.sampled_from(TOKENS), st.sampled_from(text.splitlines() or [""])
            )
        )
        text = text[:start] + middle + text[end:]
    return text


@settings(deadline=None)
@given(st.one_of(mutations(), st.text(st.characters(codec=None))))
def test_any_text_loads_or_is_a_configuration_error(text: str) -> None:
    """No file whatever makes the loader raise anything else, and every fault has a place."""
    try:
        configuration = load(text, path="s.yaml", environment=ENVIRONMENT, check_rule=lambda *_: "")
    except ConfigurationError as exc:
        head, *lines = str(exc).split("\ns.yaml:")
        assert " in s.yaml" in head
        assert lines
    else:
        assert all(lifecycle.digest for lifecycle in configuration.lifecycles)
