"""Which names a lifecycle governs is said to Azure Policy exactly, or not at all."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stage_functions.domain.asset import Asset, Kind
from stage_functions.domain.configuration import (
    Configuration,
    RegistryConfiguration,
    RegistryType,
)
from stage_functions.domain.lifecycle import Lifecycle, Stage
from stage_functions.domain.people import Directory
from stage_functions.wire.policy_names import (
    MAX_PATTERNS,
    Governed,
    Said,
    governed,
)

_STAGES = {"None": Stage("None", initial=True), "Production": Stage("Production")}


def lifecycle(name: str, *globs: str) -> Lifecycle:
    """Return a lifecycle of these globs."""
    return Lifecycle(name, globs, _STAGES, ())


def registry(*watch: str) -> RegistryConfiguration:
    """Return a workspace."""
    return RegistryConfiguration("dev", RegistryType.AZUREML, "/a/workspaces/w", watch=watch)


def said(watch: str, *lifecycles: Lifecycle, kind: Kind = Kind.MODELS) -> list[Governed]:
    """Return what is said of the models of a workspace."""
    return list(wholly(watch, *lifecycles, kind=kind).governed)


def wholly(watch: str, *lifecycles: Lifecycle, kind: Kind = Kind.MODELS) -> Said:
    """Return what is said of the models of a workspace, and what is lost."""
    return governed(registry(*watch.split()), kind, lifecycles)


def like(name: str, pattern: str) -> bool:
    """Tell what the operator of Azure does, but for case."""
    assert 1 >= pattern.count("*")
    assert not set("?[") & set(pattern)
    return fnmatchcase(name, pattern)


def by_policy(name: str, found: list[Governed]) -> list[str]:
    """Return the lifecycles whose policies are about a name."""
    return [
        one.lifecycle.name
        for one in found
        if any(like(name, pattern) for pattern in one.names)
        and not any(like(name, pattern) for pattern in one.exceptions)
    ]


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("*", ("*",)),
        ("dev/*", ("*",)),
        ("dev/*/*", ("*",)),
        ("dev/models/*", ("*",)),
        ("dev/models/fraud-*", ("fraud-*",)),
        ("dev/*/fraud-*", ("fraud-*",)),
        ("dev/models/*-prod", ("*-prod",)),
        ("dev/models/a*b", ("a*b",)),
        ("dev/models/a**", ("a*",)),
        ("dev/models/iris", ("iris",)),
        ("d?v/models/iris", ("iris",)),
        ("[a-d]ev/models/iris", ("iris",)),
        ("dev/*iris", ("*iris",)),
        ("dev/data/*", ()),
        ("test/models/*", ()),
        ("dev/models", ()),
    ],
)
def test_a_glob_becomes_what_is_left_of_it_for_the_name(
    glob: str, expected: tuple[str, ...]
) -> None:
    """The registry and the kind are known, so only the name is left to ask for."""
    found = said("models/*", lifecycle("a", glob))

    assert expected == (found[0].names if found else ())


@pytest.mark.parametrize("glob", ["dev/models/a?", "dev/models/[ab]x", "dev/models/*a*"])
def test_what_azure_has_no_words_for_is_named(glob: str) -> None:
    """Nothing is rendered that would mean something else."""
    found = wholly("models/*", lifecycle("a", glob))

    assert () == found.governed
    assert (
        f"lifecycle a: '{glob}': Azure Policy takes one * for a name, and neither ? nor [ ]",
    ) == found.lost


def test_what_can_be_said_beside_it_is() -> None:
    """Of the same lifecycle: whichever glob of it matches, it governs."""
    globs = ("dev/models/fraud-*", "dev/models/a?b", "prod/*/*", "dev/models/score")
    (found,) = said("models/*", lifecycle("a", *globs))

    assert ("fraud-*", "score") == found.names
    assert () == found.exceptions


def test_what_an_unsaid_glob_may_match_is_left_to_nobody_further_down() -> None:
    """`a?b` is within `a*b`: the rest is said, and what is lost is named."""
    found = wholly(
        "models/*",
        lifecycle("odd", "dev/models/fraud-*", "dev/models/a?b"),
        lifecycle("within", "dev/models/axb", "dev/models/ac*"),
        lifecycle("all", "dev/*"),
    )

    assert [
        ("odd", ("fraud-*",), ()),
        ("within", ("ac*",), ("a*b",)),
        ("all", ("*",), ("fraud-*", "axb", "ac*", "a*b")),
    ] == [(one.lifecycle.name, one.names, one.exceptions) for one in found.governed]
    assert (
        "lifecycle odd: 'dev/models/a?b': Azure Policy takes one * for a name, and neither ? nor [ ]",
        "lifecycle within: 'axb': 'dev/models/a?b' further up may match it",
        "lifecycle within: names such as 'a*b': 'dev/models/a?b' further up may match them",
        "lifecycle all: names such as 'a*b': 'dev/models/a?b' further up may match them",
    ) == found.lost


def test_what_is_watched_in_other_words_is_named_and_the_rest_is_said() -> None:
    """What Stageward watches besides is governed all the same."""
    found = wholly("models/fraud-* models/a?b", lifecycle("a", "dev/*"))

    assert [("fraud-*",)] == [one.names for one in found.governed]
    assert (
        "lifecycle a: what is watched as 'models/a?b': Azure Policy takes one * for a name, and "
        "neither ? nor [ ]",
    ) == found.lost


def test_such_a_glob_beside_one_for_all_names_does_no_harm() -> None:
    """What all names match, that glob needs not say."""
    (found,) = said("models/*", lifecycle("a", "dev/models/a?", "dev/*"))

    assert ("*",) == found.names


def test_the_first_lifecycle_that_matches_governs() -> None:
    """The second one's policy leaves its names out; the third is never reached."""
    first, second = said(
        "models/*",
        lifecycle("risky", "dev/models/fraud-*", "dev/models/score"),
        lifecycle("all", "dev/*"),
        lifecycle("never", "*"),
    )

    assert ("fraud-*", "score") == first.names
    assert () == first.exceptions
    assert ("*",) == second.names
    assert ("fraud-*", "score") == second.exceptions


def test_only_what_is_watched_is_said() -> None:
    """Of a name that Stageward does not watch, others may write what they like."""
    (found,) = said("models/fraud-*", lifecycle("all", "dev/*"))
    (narrow,) = said("models/fraud-*", lifecycle("all", "dev/*/fraud-eu-*"))

    assert ("fraud-*",) == found.names
    assert ("fraud-eu-*",) == narrow.names
    assert [] == said("models/fraud-*", lifecycle("all", "dev/models/iris"))


def test_two_patterns_at_once_are_not_put_into_one() -> None:
    """`ab*` and `*bc` meet in `abc`, which no single pattern has together with `abbc`."""
    found = wholly("models/ab*", lifecycle("all", "dev/models/*bc"))

    assert () == found.governed
    assert (
        "lifecycle all: 'ab*' and '*bc' at once: Azure Policy takes one * for a name",
    ) == found.lost


def test_more_names_than_azure_counts_are_not_said() -> None:
    """A count over values takes a hundred."""
    globs = [f"dev/models/m{number}" for number in range(MAX_PATTERNS + 1)]

    assert MAX_PATTERNS == len(said("models/*", lifecycle("a", *globs[1:]))[0].names)
    found = wholly("models/*", lifecycle("a", *globs), lifecycle("b", "dev/models/x"))

    assert ["b"] == [one.lifecycle.name for one in found.governed]
    assert ("lifecycle a: 101 globs, and Azure Policy counts to 100",) == found.lost


_parts = st.text(alphabet="ab*", min_size=1, max_size=4)
_odd = st.text(alphabet="ab*?[]!", min_size=1, max_size=5)
_globs = st.one_of(
    st.builds("dev/models/{}".format, _parts),
    st.builds("dev/{}".format, _parts),
    st.builds("{}/{}/{}".format, st.sampled_from(["dev", "d*", "*"]), _parts, _parts),
    st.builds("dev/models/{}".format, _odd),
    _odd,
)
_watches = st.one_of(st.just("models/*"), st.builds("models/{}".format, _parts), _odd)
_names = st.text(alphabet="ab", min_size=1, max_size=5)


@given(
    watch=st.lists(_watches, min_size=1, max_size=2),
    globs=st.lists(st.lists(_globs, min_size=1, max_size=2), min_size=1, max_size=3),
    names=st.lists(_names, min_size=1, max_size=20),
)
def test_a_policy_is_about_a_name_exactly_where_its_lifecycle_governs_it(
    watch: list[str], globs: list[list[str]], names: list[str]
) -> None:
    """Whatever the globs are: it says so, or that it cannot, and then what it has said is right."""
    lifecycles = tuple(lifecycle(str(number), *some) for number, some in enumerate(globs))
    dev = registry(*watch)
    whole = Configuration({"dev": dev}, Directory({}, {}, ()), lifecycles)
    found = governed(dev, Kind.MODELS, lifecycles)

    for name in names:
        asset = Asset("dev", Kind.MODELS, name)
        governing = whole.lifecycle(asset) if dev.watches(asset) else None
        expected = [] if governing is None else [governing.name]
        told = by_policy(name, list(found.governed))
        assert told == expected or (found.lost and told == [])
