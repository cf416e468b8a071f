"""Pictures: whatever leads to what, nothing lies on anything else."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from stage_functions.web.pages.lifecycles import drawn, mark
from stage_functions.web.pages.picture import Box, Edge, Node, Picture, layered, picture
from tests.browser.story import story_lifecycle

KEYS = ("a", "b", "c", "d", "e", "f")
Segment = tuple[tuple[int, int], tuple[int, int]]
graphs = st.lists(
    st.tuples(st.sampled_from(KEYS), st.sampled_from(KEYS)), max_size=12, unique=True
).map(lambda pairs: [Edge(source, target, "label") for source, target in pairs])


def nodes() -> list[Node]:
    """Return a node of every size."""
    return [Node(key, key * (7 * n + 1), ("line",) * n) for n, key in enumerate(KEYS)]


def segments(path: str) -> list[Segment]:
    """Return the pieces of a path, its rounded corners as corners."""
    points = [(int(x), int(y)) for x, y in re.findall(r"[MLQ](\d+) (\d+)", path)]
    return list(pairwise(points))


def crosses(box: Box, segment: Segment) -> bool:
    """Tell whether a piece of a path lies in a box."""
    (x1, y1), (x2, y2) = segment
    return (
        min(x1, x2) < box.x + box.width
        and max(x1, x2) > box.x
        and min(y1, y2) < box.y + box.height
        and max(y1, y2) > box.y
    )


def overlap(one: Box, other: Box) -> bool:
    """Tell whether two boxes lie on each other."""
    return crosses(one, ((other.x, other.y), (other.x + other.width, other.y + other.height)))


def check(found: Picture) -> None:
    """Check that nothing lies on anything else, and all of it in the picture."""
    boxes = {box.node.key: box for box in found.boxes}
    for n, one in enumerate(found.boxes):
        assert one.x >= 0
        assert one.x + one.width <= found.width
        assert one.y + one.height <= found.height
        assert not any(overlap(one, other) for other in found.boxes[n + 1 :])
    for arrow in found.arrows:
        pieces = segments(arrow.path)
        assert not any(crosses(box, piece) for box in found.boxes for piece in pieces)
        source, target = boxes[arrow.edge.source], boxes[arrow.edge.target]
        assert pieces[0][0][0] == source.x + source.width
        assert source.y < pieces[0][0][1] < source.y + source.height
        assert f" {target.x}," in arrow.tip
        assert all(0 <= x <= found.width for piece in pieces for x, _ in piece)
        assert all(0 <= y <= found.height for piece in pieces for _, y in piece)


@given(graphs, st.booleans())
def test_no_arrow_crosses_a_box_and_no_box_another(edges: list[Edge], centred: bool) -> None:  # noqa: FBT001  # drawn
    """With cycles, loops, and ways over several layers."""
    check(picture(nodes(), edges, centred=centred))


@given(graphs)
def test_no_two_arrows_share_a_piece_of_their_way(edges: list[Edge]) -> None:
    """Each upright piece has a place of its own."""
    found = picture(nodes(), edges)
    upright = [
        (x1, *sorted((y1, y2)))
        for arrow in found.arrows
        for (x1, y1), (x2, y2) in segments(arrow.path)
        if x1 == x2 and abs(y1 - y2) > 20
    ]
    for n, (x, low, high) in enumerate(upright):
        for other_x, other_low, other_high in upright[n + 1 :]:
            assert x != other_x or high <= other_low or other_high <= low


@given(graphs)
def test_ways_lead_on_unless_they_lead_back(edges: list[Edge]) -> None:
    """Without cycles every arrow leads to a later layer."""
    ahead = [edge for edge in edges if edge.source < edge.target]
    layers = layered(KEYS, ahead)

    assert all(layers[edge.source] < layers[edge.target] for edge in ahead)


def test_the_default_lifecycle_stands_in_a_row() -> None:
    """From None to Archived."""
    found = drawn(story_lifecycle())

    check(found)
    assert [box.title for box in found.boxes] == ["None", "Staging", "Production", "Archived"]
    assert len({box.y for box in found.boxes}) == 1


def test_ways_do_not_cross_for_the_order_of_the_file() -> None:
    """The way to the upper box leaves above the way to the lower one, whichever is told first."""
    nodes = [Node(key, key) for key in ("Staging", "Production", "Archived")]
    found = picture(nodes, [Edge("Staging", "Archived"), Edge("Staging", "Production")])

    lower, upper = (arrow.path for arrow in found.arrows)
    assert (1, 0) == (upper.count("L"), upper.count("Q"))
    assert 2 == lower.count("Q")


def test_long_names_are_cut_in_the_picture_alone() -> None:
    """The whole of it is in the title."""
    (box,) = picture([Node("a", "n" * 100)], []).boxes

    assert box.title.endswith("…")
    assert box.node.title == "n" * 100
    assert picture([], []).boxes == ()


def test_an_arrow_says_what_its_transition_demands() -> None:
    """Rules and approvals are counted."""
    labels = {f"{one.source} {one.target}": mark(one) for one in story_lifecycle().transitions}

    assert labels["None Staging"] == ""
    assert labels["Staging Production"] == "2 rules + 2 approvals"
    assert labels["Production Archived"] == "1 approval"
