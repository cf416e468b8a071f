"""What listing for the scan must be.

The world has assets of other tests, too: a pass begins behind a prefix of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from stage_functions.application.ports.registry import Page, Registry
from stage_functions.domain.asset import Kind
from tests.contracts.registry_world import AWKWARD_NAMES, World


class RegistryListing:
    """Listing all versions, page by page."""

    def test_lists_every_version_once(
        self, small_pages: Registry, world: World, fresh: str
    ) -> None:
        """Over all pages every version of every name is listed once, as it would be read."""
        made = [world.create(f"{fresh} {name}", tags={"n": name}) for name in AWKWARD_NAMES]
        made += [world.create(f"{fresh} {name}") for name in AWKWARD_NAMES[::2]]

        listed = [one for page in _pages(small_pages, world.kind, fresh) for one in page.versions]
        own = [one for one in listed if one.version.asset.name.startswith(fresh)]

        assert sorted(made) == sorted(one.version for one in own)
        assert own == [small_pages.read(one.version) for one in own]

    def test_lists_in_order_of_names(self, small_pages: Registry, world: World, fresh: str) -> None:
        """Assets come ordered by their names' characters, capitals before small letters."""
        names = [f"{fresh}-{end}" for end in ("b", "B", "a", "é", "Z", "_", "10", "2")]
        for name in names:
            world.create(name)

        assert sorted(names) == _names(small_pages, world.kind, fresh)

    def test_never_splits_an_asset(self, small_pages: Registry, world: World, fresh: str) -> None:
        """An asset with more versions than a page holds is on one page, in order of its numbers."""
        for name in ("a", "b", "b", "b", "b", "b", "c"):
            world.create(f"{fresh}-{name}")

        pages = [
            [
                (one.version.asset.name[-1], one.version.number)
                for one in page.versions
                if one.version.asset.name.startswith(fresh)
            ]
            for page in _pages(small_pages, world.kind, fresh)
        ]

        whole = [("b", str(number)) for number in range(1, 6)]
        assert whole in [[one for one in page if one[0] == "b"] for page in pages]
        assert 1 == sum(any(one[0] == "b" for one in page) for page in pages)

    def test_goes_on_behind_the_cursor(
        self, small_pages: Registry, world: World, fresh: str
    ) -> None:
        """A cursor names the last asset of its page, and the next page begins behind it."""
        for number in range(8):
            world.create(f"{fresh}-{number}")

        page = small_pages.versions(f"{world.kind}/{fresh}")

        assert f"{world.kind}/{page.versions[-1].version.asset.name}" == page.cursor
        assert small_pages.versions(page.cursor).versions[0].version.asset.name > (
            page.versions[-1].version.asset.name
        )

    def test_begins_and_ends(self, small_pages: Registry, world: World, fresh: str) -> None:
        """A pass begins with an empty cursor, ends with one, and behind the end is nothing."""
        made = world.create(fresh)

        pages = list(_pages(small_pages, world.kind, ""))

        assert "" == pages[-1].cursor
        assert all(page.cursor for page in pages[:-1])
        assert 1 == sum(one.version == made for page in pages for one in page.versions)
        assert Page((), "") == small_pages.versions(f"{world.kind}/\U0010ffff")

    def test_survives_what_comes_and_goes(
        self, small_pages: Registry, world: World, fresh: str
    ) -> None:
        """Assets made and deleted between pages, the cursor's own too, hide and double no other."""
        names = [f"{fresh}-{number}" for number in range(9)]
        for name in names:
            world.create(name)
        changes: Iterator[Callable[[], object]] = iter(
            [
                lambda: world.delete_asset(names[0]),
                lambda: world.create(f"{fresh}- before all"),
                lambda: world.delete_asset(names[5]),
            ]
        )

        def between(cursor: str) -> None:
            if cursor == f"{world.kind}/{names[2]}":
                world.delete_asset(names[2])
            next(changes, lambda: None)()

        listed = _names(small_pages, world.kind, fresh, between)

        assert len(listed) == len(set(listed))
        assert {names[number] for number in (1, 2, 3, 4, 6, 7, 8)} <= set(listed)

    def test_does_not_list_what_was_deleted(
        self, small_pages: Registry, world: World, fresh: str
    ) -> None:
        """Deleted versions and assets without versions are not listed; numbers do not move."""
        for name in ("a", "a", "a", "b"):
            world.create(f"{fresh}-{name}")
        gone = world.create(f"{fresh}-c")
        world.delete_version(gone)
        first = world.create(f"{fresh}-d")
        world.create(f"{fresh}-d")
        world.delete_version(first)

        listed = [
            str(one.version)
            for page in _pages(small_pages, world.kind, fresh)
            for one in page.versions
        ]

        expected = [f"{fresh}-a:1", f"{fresh}-a:2", f"{fresh}-a:3", f"{fresh}-b:1", f"{fresh}-d:2"]
        own = [one for one in listed if fresh in one]
        assert [f"{world.alias}/{world.kind}/{one}" for one in expected] == own


def _pages(
    registry: Registry, kind: Kind, fresh: str, between: Callable[[str], None] = lambda _: None
) -> Iterator[Page]:
    """Go from the assets of a prefix (or from the start) to the end of the registry."""
    cursor = f"{kind}/{fresh}"[:-1] if fresh else ""
    while True:
        page = registry.versions(cursor)
        yield page
        past = page.versions and page.versions[0].version.asset.name > f"{fresh}\U0010ffff"
        if not page.cursor or (fresh and past):
            return
        cursor = page.cursor
        between(cursor)


def _names(
    registry: Registry, kind: Kind, fresh: str, between: Callable[[str], None] = lambda _: None
) -> list[str]:
    names = [
        one.version.asset.name
        for page in _pages(registry, kind, fresh, between)
        for one in page.versions
    ]
    return [name for name in names if name.startswith(fresh)]
