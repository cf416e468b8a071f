"""Addresses of pages, and what templates say of people and moments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stage_functions.application.numbering import newest_first
from stage_functions.domain.asset import Asset, Kind, Version, is_name
from stage_functions.domain.demands import span
from stage_functions.web.pages.addresses import (
    url_for_approval,
    url_for_asset,
    url_for_lifecycle,
    url_for_version,
    url_with,
)
from stage_functions.web.pages.render import (
    day,
    digits,
    from_now,
    moment,
    number,
    short_digest,
    via,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
names = st.text(min_size=1, max_size=40).filter(is_name)


@given(names, names)
def test_an_address_is_one_part_a_name_and_decodes_to_it(name: str, version: str) -> None:
    """Whatever is in it: spaces, per cent signs, question marks, markup."""
    address = url_for_version(Version(Asset("demo", Kind.MODELS, name), version))

    parts = urlsplit(address)
    assert (parts.query, parts.fragment, parts.netloc) == ("", "", "")
    assert [unquote(part) for part in parts.path.split("/")] == [
        "",
        "assets",
        "demo",
        "models",
        name,
        "versions",
        version,
    ]
    assert address.isascii()


def test_an_asset_may_be_given_as_it_is_printed() -> None:
    """A version by its asset and number."""
    assert url_for_asset("demo/data/a b") == "/assets/demo/data/a%20b"
    assert url_for_version("demo/data/a%b", "1") == "/assets/demo/data/a%25b/versions/1"


def test_other_pages_have_addresses_too() -> None:
    """Encoded likewise."""
    assert url_for_approval("0000 1/") == "/approvals/0000%201%2F"
    assert url_for_lifecycle("default") == "/lifecycles/default"


def test_fields_without_a_value_are_left_out() -> None:
    """So that addresses stay short."""
    assert url_with("/", name="a&b", kind=Kind.DATA, stage="", skip=0, waiting=True) == (
        "/?name=a%26b&kind=data&waiting=1"
    )
    assert url_with("/", name="") == "/"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (3 * 86400, "in 3 days"),
        (-7200, "2 hours ago"),
        (59, "in less than a minute"),
        (86400 - 1, "in 1 day"),
        (3600 - 1, "in 1 hour"),
        (1800, "in 30 minutes"),
    ],
)
def test_a_moment_is_said_as_it_is_far_away(seconds: int, text: str) -> None:
    """The moment itself stands in the element."""
    said = from_now(NOW + timedelta(seconds=seconds), NOW)

    assert f">{text}<" in said
    assert 'datetime="2026-0' in said


def test_where_there_is_no_moment_there_is_a_dash() -> None:
    """Not the word None."""
    assert from_now(None, NOW) == moment(None) == day(None) == "–"


def test_digests_ways_and_numbers_are_short_with_the_whole_beside() -> None:
    """And escaped."""
    assert short_digest("sha256:" + "a" * 64).endswith(">aaaaaaaaaaaa</code>")
    assert short_digest("<") == '<code title="&lt;">&lt;</code>'
    assert number(0.1 + 0.2) == '<span title="0.30000000000000004">0.3</span>'
    assert number("<b>") == "&lt;b&gt;"
    assert (via("cli"), via("elsewhere")) == ("by the command line", "elsewhere")


def test_versions_are_ordered_by_number_then_by_text() -> None:
    """Numbers with too many digits are texts."""
    assert newest_first(["2", "10", "b", "1", "a", "9" * 30]) == [
        "10",
        "2",
        "1",
        "9" * 30,
        "a",
        "b",
    ]


def test_a_length_of_time_has_the_unit_that_it_rounds_to() -> None:
    """Not 24 hours, not 60 minutes."""
    assert span(86399) == "1 day"
    assert span(3599) == "1 hour"
    assert span(7 * 86400) == "7 days"


def test_a_long_fraction_is_shown_in_six_digits_unless_they_mislead() -> None:
    """Whole where one points at it; whole at once where it would seem to be another number."""
    long, longer = "0.9499999999", "0.94999999991"

    assert '<span title="0.9333333333">0.933333</span>' == str(digits("0.9333333333"))
    assert "0.93" == digits("0.93", "0.9333333333")
    assert long == digits(long, longer)
    assert long == digits(long, long, within="evidence.metrics.auc >= 0.95")
    assert ">0.95<" in str(digits(long, long, within="evidence.metrics.auc >= 0.9"))
    assert "9b1c7e04" == digits("9b1c7e04")
