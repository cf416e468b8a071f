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
    NotExpressibleError,
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
    return list(governed(registry(watch), kind, lifecycles))


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
    with pytest.raises(
        NotExpressibleError, match=r"Azure Policy takes one \* for a name"
    ) as raised:
        said("models/*", lifecycle("a", glob))

    assert f"'{glob}'" in str(raised.value)


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


def test_what_cannot_be_said_ends_it_and_what_came_before_stays() -> None:
    """Whatever is further down may be governed by the one that cannot be said."""
    lifecycles = [
        lifecycle("exact", "dev/models/iris"),
        lifecycle("odd", "dev/models/?"),
        lifecycle("all", "*"),
    ]
    found = governed(registry("models/*"), Kind.MODELS, lifecycles)

    assert "exact" == next(found).lifecycle.name
    with pytest.raises(NotExpressibleError):
        next(found)


def test_only_what_is_watched_is_said() -> None:
    """Of a name that Stageward does not watch, others may write what they like."""
    (found,) = said("models/fraud-*", lifecycle("all", "dev/*"))
    (narrow,) = said("models/fraud-*", lifecycle("all", "dev/*/fraud-eu-*"))

    assert ("fraud-*",) == found.names
    assert ("fraud-eu-*",) == narrow.names
    assert [] == said("models/fraud-*", lifecycle("all", "dev/models/iris"))


def test_two_patterns_at_once_are_not_put_into_one() -> None:
    """`ab*` and `*bc` meet in `abc`, which no single pattern has together with `abbc`."""
    with pytest.raises(NotExpressibleError, match=r"'ab\*' and '\*bc' at once"):
        said("models/ab*", lifecycle("all", "dev/models/*bc"))


def test_more_names_than_azure_counts_are_not_said() -> None:
    """A count over values takes a hundred."""
    globs = [f"dev/models/m{number}" for number in range(MAX_PATTERNS + 1)]

    assert MAX_PATTERNS == len(said("models/*", lifecycle("a", *globs[1:]))[0].names)
    with pytest.raises(NotExpressibleError, match="Azure Policy counts to 100"):
        said("models/*", lifecycle("a", *globs))


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
    found: list[Governed] = []
    complete = True
    try:
        for one in governed(dev, Kind.MODELS, lifecycles):
            found.append(one)  # noqa: PERF402  # what came before an error counts
    except NotExpressibleError:
        complete = False

    for name in names:
        asset = Asset("dev", Kind.MODELS, name)
        governing = whole.lifecycle(asset) if dev.watches(asset) else None
        expected = [] if governing is None else [governing.name]
        told = by_policy(name, found)
        assert told == expected or (not complete and told == [])
