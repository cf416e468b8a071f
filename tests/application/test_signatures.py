"""Signed texts: only what was made here, for this purpose, is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from itsdangerous import URLSafeTimedSerializer

from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application.link_keys import LinkKeys
from stage_functions.application.signatures import AHEAD, Purpose, Signatures, Signed
from tests.fakes.clock import FakeClock

PARTS = ("7f3k9m2x", "ada", f"sha256:{'0f' * 32}")
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=~%/+ \n\0é"
ROTATED = timedelta(days=31)
shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock()


@pytest.fixture
def keys(clock: FakeClock) -> Iterator[LinkKeys]:
    """The keys of a new ledger."""
    with closing(SQLiteRows(":memory:")) as rows:
        yield LinkKeys(rows, clock, timedelta(days=7))


@pytest.fixture
def signatures(keys: LinkKeys, clock: FakeClock) -> Signatures:
    """What is signed with them."""
    return Signatures(keys, clock)


@shared
@given(parts=st.lists(st.text(max_size=40), max_size=4), purpose=st.sampled_from(Purpose))
def test_what_was_signed_is_read(
    signatures: Signatures, clock: FakeClock, parts: list[str], purpose: Purpose
) -> None:
    """With the moment, to the second."""
    text = signatures.sign(purpose, *parts)

    assert signatures.read(purpose, text) == Signed(tuple(parts), clock.time.replace(microsecond=0))
    assert text.startswith("1.")


@shared
@given(data=st.data())
def test_a_text_that_is_changed_anywhere_is_nothing(
    signatures: Signatures, data: st.DataObject
) -> None:
    """One character is enough: of a signature one spelling is right."""
    text = signatures.sign(Purpose.LINK, *PARTS)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(ALPHABET).filter(lambda one: one != text[at]))

    assert signatures.read(Purpose.LINK, f"{text[:at]}{other}{text[at + 1 :]}") is None


@shared
@given(data=st.data())
def test_a_text_that_is_cut_or_longer_is_nothing(
    signatures: Signatures, data: st.DataObject
) -> None:
    """At either end, or with anything put in."""
    text = signatures.sign(Purpose.LINK, *PARTS)
    at = data.draw(st.integers(0, len(text)))
    more = data.draw(st.text(ALPHABET, min_size=1, max_size=5))

    assert signatures.read(Purpose.LINK, text[:at] + more + text[at:]) is None
    for cut in (text[:at], text[at:]):
        assert cut == text or signatures.read(Purpose.LINK, cut) is None


@shared
@given(text=st.text(max_size=200) | st.from_regex(r"[0-9]{1,12}(\.[A-Za-z0-9_-]{0,60}){1,4}"))
def test_any_text_is_read_as_nothing_and_nothing_fails(signatures: Signatures, text: str) -> None:
    """Halves of surrogate pairs, dots, numbers of no key."""
    assert signatures.read(Purpose.SESSION, text) is None


def test_a_text_is_good_for_its_purpose_alone(signatures: Signatures) -> None:
    """A form token opens no page, a link sends no form."""
    made = {purpose: signatures.sign(purpose, *PARTS) for purpose in Purpose}

    read = {(a, b) for a in Purpose for b in Purpose if signatures.read(a, made[b])}

    assert read == {(one, one) for one in Purpose}


def test_parts_of_texts_cannot_be_exchanged(signatures: Signatures, clock: FakeClock) -> None:
    """Not the number of the key, not what is said, not the moment, not the signature."""
    one = signatures.sign(Purpose.LINK, "7f3k9m2x", "ada").split(".")
    clock.time += ROTATED
    two = signatures.sign(Purpose.LINK, "7f3k9m2x", "bob").split(".")

    assert (one[0], two[0], len(one), len(two)) == ("1", "2", 4, 4)
    for at in range(4):
        swapped = [*one[:at], two[at], *one[at + 1 :]]
        assert signatures.read(Purpose.LINK, ".".join(swapped)) is None


def test_a_key_verifies_until_a_second_one_has_followed(
    signatures: Signatures, clock: FakeClock
) -> None:
    """What it signed is nothing from then on, however well it is signed."""
    text = signatures.sign(Purpose.LINK, *PARTS)

    clock.time += ROTATED
    signatures.sign(Purpose.LINK)
    assert signatures.read(Purpose.LINK, text) is not None
    clock.time += ROTATED
    signatures.sign(Purpose.LINK)
    assert signatures.read(Purpose.LINK, text) is None


@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_is_signed_anew_with_an_old_key_is_nothing(
    keys: LinkKeys, signatures: Signatures, clock: FakeClock, number: int
) -> None:
    """After two rotations, under whichever number."""
    old = keys.newest()
    for _ in range(2):
        clock.time += ROTATED
        keys.newest()
    salt = f"stageward/{Purpose.LINK}/{number}"
    forged = URLSafeTimedSerializer(old.secret, salt=salt).dumps(PARTS)

    assert signatures.read(Purpose.LINK, f"{number}.{forged}") is None


def test_how_old_is_too_old_is_for_whoever_asks(signatures: Signatures, clock: FakeClock) -> None:
    """A little ahead of the own clock is no reason: instances differ."""
    hour, bit = timedelta(hours=1), timedelta(seconds=1)
    signed = signatures.read(Purpose.FORM, signatures.sign(Purpose.FORM))
    assert signed is not None
    at = signed.at

    ages = (-AHEAD - bit, -AHEAD, timedelta(), hour - bit, hour)
    young = [signed.younger(hour, at + age) for age in ages]

    assert young == [False, True, True, True, False]
    assert clock.time >= at
