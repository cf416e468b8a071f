"""Only an http(s) address becomes a link, and nothing that lets somebody in is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stage_functions.domain.places import code_place, link, public

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("repository", "place"),
    [
        ("https://github.com/o/r", f"https://github.com/o/r/commit/{COMMIT}"),
        ("https://github.com/o/r.git", f"https://github.com/o/r/commit/{COMMIT}"),
        ("https://user:secret@github.com/o/r.git/", f"https://github.com/o/r/commit/{COMMIT}"),
        ("git@github.com:o/r.git", f"https://github.com/o/r/commit/{COMMIT}"),
        ("https://gitlab.com/g/s/r.git", f"https://gitlab.com/g/s/r/-/commit/{COMMIT}"),
        ("https://gitlab.example.org/g/r", f"https://gitlab.example.org/g/r/-/commit/{COMMIT}"),
        ("https://bitbucket.org/o/r", f"https://bitbucket.org/o/r/commits/{COMMIT}"),
        (
            "https://dev.azure.com/o/p%20q/_git/r",
            f"https://dev.azure.com/o/p%20q/_git/r/commit/{COMMIT}",
        ),
        ("https://o@dev.azure.com/o/p/_git/r", f"https://dev.azure.com/o/p/_git/r/commit/{COMMIT}"),
        (
            "https://o.visualstudio.com/p/_git/r",
            f"https://o.visualstudio.com/p/_git/r/commit/{COMMIT}",
        ),
        ("https://code.example.org/r.git?x=1#y", "https://code.example.org/r"),
        ("javascript:alert(1)", ""),
        ("ssh://git@example.org/r.git", ""),
        ("file:///etc/passwd", ""),
        ("", ""),
    ],
)
def test_a_commit_is_shown_where_its_host_shows_it(repository: str, place: str) -> None:
    """Of an unknown host only the repository; never what is no web address, never a password."""
    assert place == code_place(repository, COMMIT)


@pytest.mark.parametrize("commit", ["", "main", "../../x", "<script>", "abc"])
def test_what_is_no_commit_leads_to_the_repository(commit: str) -> None:
    """A text of somebody's is never put into an address."""
    assert "https://github.com/o/r" == code_place("https://github.com/o/r", commit)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://data.example.org/iris.csv?v=1#a", "https://data.example.org/iris.csv?v=1#a"),
        (" https://e.org/x ", "https://e.org/x"),
        ('{"url": "https://e.org/iris.csv"}', "https://e.org/iris.csv"),
        ('{"uri": "s3://bucket/key"}', ""),
        ('{"url": 7}', ""),
        ("{", ""),
        ("https://user:secret@e.org/x", "https://e.org/x"),
        ("https://acc.blob.core.windows.net/c/b?sv=1&sig=abc", ""),
        ("HTTPS://e.org/", "HTTPS://e.org/"),
        ("https:///x", ""),
        ("https://e.org/a b", ""),
        ("https://e.org\\@evil.org", ""),
        ("http://[::1", ""),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//e.org/x", ""),
        ("dbfs:/x", ""),
        ("https://u:p@ss@h/x", "https://h/x"),
        ("https://u:p#w@h/x", ""),
        ("https://h?mail=a@b", ""),
        (f"https://e.org/{'x' * 5000}", ""),
    ],
)
def test_only_a_web_address_is_a_link(text: str, found: str) -> None:
    """Without the login before its host; a signed one would not work without its signature."""
    assert found == link(text)


def test_what_lets_somebody_in_is_not_shown() -> None:
    """Wherever it stands in a text."""
    text = '{"a": "https://u:p@?w@h/x?sv=1&sig=abc%3D&x=2", "b": "abfss://c@acc/x"}'

    assert '{"a": "https://h/x?sv=1&sig=…&x=2", "b": "abfss://acc/x"}' == public(text)


@given(
    st.text() | st.text().map("https://{}".format) | st.from_regex(r"https?://[a-z@:/?#\[\]]{0,20}")
)
def test_any_text_is_a_safe_link_or_none(text: str) -> None:
    """Nothing raises; what is a link begins with http and holds no space and no login."""
    found = link(text)

    assert not found or found.lower().startswith(("http://", "https://"))
    assert found == link(found)
    assert not code_place(text, COMMIT) or code_place(text, COMMIT).lower().startswith("http")
