"""No lifecycle slips in before a protected one, and nobody makes themselves its guard."""

from __future__ import annotations

from fnmatch import fnmatchcase
from itertools import product

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stage_functions.domain.governing import (
    Held,
    ahead_of,
    arrange,
    keepers,
    may_consent,
    meet,
    more_keepers,
    taken_over,
)
from stage_functions.domain.lifecycle import ApprovalPolicy, Lifecycle, Stage, Transition
from stage_functions.domain.people import Directory, Person

GLOBS = st.text("ab*?", max_size=3)
TEXTS = ["".join(letters) for n in range(7) for letters in product("ab", repeat=n)]


def named(name: str, *globs: str, guarded: bool = True) -> Lifecycle:
    """Return a lifecycle whose one stage takes approval, or does not."""
    approval = ApprovalPolicy(1, {"risk": 1}) if guarded else None
    return Lifecycle(
        name,
        globs,
        {"None": Stage("None", initial=True), "Live": Stage("Live")},
        (Transition("None", "Live", approval=approval),),
        protect_lifecycle=("risk",) if guarded else (),
        text={"name": name},
    )


@given(GLOBS, GLOBS)
def test_globs_meet_where_some_text_fits_both(one: str, other: str) -> None:
    """Whatever both match is found; what none matches is not."""
    both = [text for text in TEXTS if fnmatchcase(text, one) and fnmatchcase(text, other)]

    assert bool(both) == meet(one, other)
    assert meet(one, other) == meet(other, one)


def test_a_set_of_characters_counts_as_any() -> None:
    """Rather one too many is looked at."""
    assert meet("[ab]c", "bc")
    assert meet("[ab]c", "xc")
    assert not meet("[ab]c", "xy")
    assert meet("[", "[")


@given(st.permutations(["p", "q", "lax", "r"]))
def test_a_protected_one_keeps_its_place_whatever_the_order(order: list[str]) -> None:
    """Before whatever may take assets from it, unless that was consented to."""
    laws = {
        "p": named("p", "a/*"),
        "q": named("q", "*"),
        "lax": named("lax", "*", guarded=False),
        "r": named("r", "b/*", guarded=False),
    }
    file = [laws[name] for name in order]
    held = {"p": Held(laws["p"], ()), "q": Held(laws["q"], ("p a/*",))}
    found = [one.name for one in arrange(file, held)]

    assert sorted(order) == sorted(found)
    assert found.index("p") < found.index("lax")
    assert found.index("q") < found.index("lax")
    assert found.index("p") < found.index("q")


def test_one_that_the_file_has_no_more_goes_before_what_would_take_its_assets() -> None:
    """Others keep their order."""
    gone, lax, far = named("gone", "a/*"), named("lax", "*", guarded=False), named("far", "b/*")

    assert ["far", "gone", "lax"] == [
        one.name for one in arrange([far, lax], {"gone": Held(gone, ())})
    ]


def test_what_comes_before_it_is_told_where_it_demands_less() -> None:
    """What was there before, or demands as much, is not."""
    own, lax, strict = named("own", "*"), named("lax", "a/*", guarded=False), named("as", "a/*")

    assert ("lax a/*",) == ahead_of(own, [lax, own])
    assert () == taken_over(Held(own, ("lax a/*",)), [lax, own])
    assert () == taken_over(Held(own, ()), [strict, own])
    assert () == taken_over(Held(own, ()), [own, lax])
    (said,) = taken_over(Held(own, ()), [lax, own])
    assert said.startswith("lax governs what fits a/* before it, and demands less: ")
    assert () == taken_over(Held(own, ("lax a/*",)), [replace(lax, applies_to=("a/b*",)), own])
    assert taken_over(Held(own, ("lax a/b*",)), [lax, own])


def test_guards_are_known_by_ids_that_are_no_names() -> None:
    """A mail address is not kept."""
    directory = Directory(
        {"ada": Person("ada", "Ada", ("upn:ada@example.org", "oid:1"))},
        {"risk": ("ada",)},
        entra={"risk": ("Officer",)},
    )
    found = keepers(["risk"], directory)

    assert {"person:ada": ("oid:1",), "entra:risk": ("Officer",)} == found
    assert [] == list(more_keepers(found, {"person:ada": ("oid:1",)}))
    assert [
        "protect_lifecycle: person:ada is known by further ids",
        "protect_lifecycle: by Entra, members of heads may consent too",
    ] == list(more_keepers(found, {"person:ada": ("oid:1", "oid:2"), "entra:heads": ("Head",)}))
    assert may_consent("oid:1", ["risk"], found, directory)
    assert not may_consent("oid:2", ["risk"], found, directory)
    assert may_consent("oid:9", ["risk"], found, directory.claiming("oid:9", ["Officer"]))
    assert not may_consent("oid:9", ["risk"], {}, directory.claiming("oid:9", ["Officer"]))
