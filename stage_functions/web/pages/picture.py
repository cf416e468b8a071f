"""Pictures of what leads to what: layered from left to right, drawn by a template as SVG. Pure.

A node stands one layer behind the farthest of those that lead to it; what would lead back does not
count for that. An arrow to the next layer goes straight through the gap between the two; any other
one goes down its own channel in the gap, along a lane below everything, and up again. So no arrow
crosses a box, and of two arrows that part at one box neither crosses the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

TITLE_WIDTH, LINE_WIDTH = 9.2, 7.6
"""Of a character, about; texts are set a little wide so that no font overflows."""
MAX_CHARACTERS = 26
_PAD, _TOP, _PITCH, _LINE = 14, 24, 22, 18
_CHANNEL, _LANE, _BETWEEN, _EDGE, _TIP, _BEND = 14, 26, 22, 10, 8, 7


class Node(Struct, frozen=True):
    """Something that is drawn as a box.

    Attributes:
        key: what arrows name it by.
        title: its name.
        lines: what else stands in the box.
        href: what it links to, or "".
        look: part of its class in the style sheet, or "".
    """

    key: str
    title: str
    lines: tuple[str, ...] = ()
    href: str = ""
    look: str = ""


class Edge(Struct, frozen=True):
    """Something that is drawn as an arrow.

    Attributes:
        source: key of the node it leaves.
        target: key of the node it reaches.
        label: what stands on it, or "".
        dashed: it happens as a consequence, nobody asks for it.
    """

    source: str
    target: str
    label: str = ""
    dashed: bool = False


class Box(Struct, frozen=True):
    """A node with its place."""

    node: Node
    title: str
    lines: tuple[str, ...]
    x: int
    y: int
    width: int
    height: int


class Arrow(Struct, frozen=True):
    """An edge with its way: a path, the points of its tip, and where its label stands."""

    edge: Edge
    path: str
    tip: str
    x: int
    y: int


class Picture(Struct, frozen=True):
    """Everything to draw, and how large it is."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def picture(nodes: Sequence[Node], edges: Sequence[Edge], *, centred: bool = False) -> Picture:
    """Lay nodes and edges out.

    Args:
        nodes: in the order in which they stand below each other.
        edges: between these nodes.
        centred: layers stand in the middle of the picture, not at its top.
    """
    if not nodes:
        return Picture(0, 0, (), ())
    layers = layered([node.key for node in nodes], edges)
    return _Plan(nodes, edges, layers, centred=centred).drawn()


def layered(keys: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """Return the layer of each node, from 0; keys in the order in which ways begin."""
    after: dict[str, list[str]] = {key: [] for key in keys}
    for edge in edges:
        after[edge.source].append(edge.target)
    targets = {edge.target for edge in edges if edge.source != edge.target}
    order: list[str] = []
    seen: set[str] = set()
    back: set[tuple[str, str]] = set()
    for key in [*(key for key in keys if key not in targets), *keys]:
        _visit(key, after, [], seen, order, back)
    layers = dict.fromkeys(keys, 0)
    for key in reversed(order):
        for target in after[key]:
            if (key, target) not in back:
                layers[target] = max(layers[target], layers[key] + 1)
    return layers


def _visit(
    key: str,
    after: Mapping[str, Sequence[str]],
    way: list[str],
    seen: set[str],
    order: list[str],
    back: set[tuple[str, str]],
) -> None:
    """Walk on from a node: what is done comes into `order`, what leads back into `back`."""
    if key in seen:
        return
    seen.add(key)
    way.append(key)
    for target in after[key]:
        if target in way:
            back.add((key, target))
        else:
            _visit(target, after, way, seen, order, back)
    way.pop()
    order.append(key)


class _Plan:
    """The places of everything, worked out from left to right."""

    def __init__(
        self,
        nodes: Sequence[Node],
        edges: Sequence[Edge],
        layers: Mapping[str, int],
        *,
        centred: bool,
    ) -> None:
        self.edges = edges
        self.layers = layers
        self.centred = centred
        self.count = max(layers.values()) + 1
        self.columns = [
            [node for node in nodes if layers[node.key] == n] for n in range(self.count)
        ]
        self.lanes = self._by_depth()
        self.outs = {node.key: self._ports(node.key, leaving=True) for node in nodes}
        self.ins = {node.key: self._ports(node.key, leaving=False) for node in nodes}
        self.boxes = self._boxes()
        self.bottom = max(box.y + box.height for box in self.boxes.values())

    def drawn(self) -> Picture:
        """Return the picture."""
        arrows = tuple(self._arrow(edge) for edge in self.edges)
        height = self.bottom + _LANE * len(self.lanes) + _EDGE
        return Picture(self.width, height, tuple(self.boxes.values()), arrows)

    def _near(self, edge: Edge) -> bool:
        return self.layers[edge.target] == self.layers[edge.source] + 1

    def _by_depth(self) -> list[Edge]:
        """Return the edges that need a lane, the one nearest to the boxes first."""
        far = [edge for edge in self.edges if not self._near(edge)]
        return sorted(far, key=lambda e: abs(self.layers[e.target] - self.layers[e.source]))

    def _ports(self, key: str, *, leaving: bool) -> list[Edge]:
        """Return the edges at one side of a box from top to bottom: the deepest lane lowest."""
        mine = [e for e in self.edges if key == (e.source if leaving else e.target)]
        near = [edge for edge in mine if self._near(edge)]
        near.sort(key=lambda edge: self._row(edge.target if leaving else edge.source))
        return near + [edge for edge in self.lanes if edge in mine]

    def _row(self, key: str) -> int:
        """Return how far down a box stands in its layer, so that edges do not cross for nothing."""
        column = self.columns[self.layers[key]]
        return next(n for n, node in enumerate(column) if node.key == key)

    def _boxes(self) -> dict[str, Box]:
        sizes = {node.key: self._height(node) for column in self.columns for node in column}
        if not self.centred:
            sizes = dict.fromkeys(sizes, max(sizes.values()))
        heights = [
            sum(sizes[node.key] for node in column) + _BETWEEN * (len(column) - 1)
            for column in self.columns
        ]
        boxes: dict[str, Box] = {}
        x = _EDGE + self._gap_in(0)
        for n, column in enumerate(self.columns):
            width = max(_width(node) for node in column)
            y = _EDGE + ((max(heights) - heights[n]) // 2 if self.centred else 0)
            for node in column:
                lines = tuple(_cut(line) for line in node.lines)
                boxes[node.key] = Box(node, _cut(node.title), lines, x, y, width, sizes[node.key])
                y += sizes[node.key] + _BETWEEN
            x += width + self._gap_out(n) + self._gap_in(n + 1)
        self.width = x + _EDGE
        return boxes

    def _height(self, node: Node) -> int:
        ports = max(len(self.outs[node.key]), len(self.ins[node.key]))
        return max(_TOP + _LINE * len(node.lines) + _PAD, _TOP + _PITCH * (ports - 1) + _PAD)

    def _gap_out(self, n: int) -> int:
        """Return the room behind a layer: channels of what leaves it, and labels to the next."""
        leaving = [edge for edge in self.edges if self.layers[edge.source] == n]
        labels = [len(edge.label) for edge in leaving if self._near(edge)]
        room = _CHANNEL * (len(leaving) + 1) if leaving else 0
        return room + round(max(labels, default=0) * LINE_WIDTH)

    def _gap_in(self, n: int) -> int:
        """Return the room before a layer: channels of what comes up from lanes, and the tips."""
        rising = [edge for edge in self.lanes if self.layers[edge.target] == n]
        entered = any(self.layers[edge.target] == n for edge in self.edges)
        return _CHANNEL * len(rising) + (_CHANNEL + _TIP if entered else 0)

    def _port(self, edge: Edge, *, leaving: bool) -> tuple[int, int]:
        key = edge.source if leaving else edge.target
        box, ports = self.boxes[key], (self.outs if leaving else self.ins)[key]
        n = ports.index(edge)
        y = (
            box.y + box.height * (n + 1) // (len(ports) + 1)
            if self.centred
            else box.y + _TOP - 4 + _PITCH * n
        )
        return (box.x + box.width if leaving else box.x), y

    def _arrow(self, edge: Edge) -> Arrow:
        (x1, y1), (x2, y2) = self._port(edge, leaving=True), self._port(edge, leaving=False)
        end = x2 - _TIP
        out = self._out_channel(edge)
        tip = f"{end},{y2 - 5} {x2},{y2} {end},{y2 + 5}"
        if self._near(edge):
            label = (max(out, x1) + end) // 2
            points = (
                [(x1, y1), (end, y2)] if y1 == y2 else [(x1, y1), (out, y1), (out, y2), (end, y2)]
            )
            return Arrow(edge, _path(points), tip, label + 4, y2 - 6)
        lane = self.bottom + _LANE * (self.lanes.index(edge) + 1)
        up = self._in_channel(edge)
        points = [(x1, y1), (out, y1), (out, lane), (up, lane), (up, y2), (end, y2)]
        return Arrow(edge, _path(points), tip, (out + up) // 2, lane - 6)

    def _out_channel(self, edge: Edge) -> int:
        """Return where an edge turns behind its layer, so that those turning alike do not cross.

        Of those that go up the lowest turns last; of all others the highest does.
        """
        n = self.layers[edge.source]
        leaving = [one for node in self.columns[n] for one in self.outs[node.key]]
        up = [one for one in leaving if self._rises(one)]
        down = [one for one in reversed(leaving) if one not in up]
        right = max(box.x + box.width for box in self.boxes.values() if box.node in self.columns[n])
        return right + _CHANNEL * (1 + (up + down).index(edge))

    def _rises(self, edge: Edge) -> bool:
        (_, begin), (_, end) = self._port(edge, leaving=True), self._port(edge, leaving=False)
        return self._near(edge) and end < begin

    def _in_channel(self, edge: Edge) -> int:
        """Return where an edge comes up before its layer: the deepest lane nearest to it."""
        n = self.layers[edge.target]
        rising = [one for one in self.lanes if self.layers[one.target] == n]
        left = self.boxes[edge.target].x
        return left - _TIP - _CHANNEL * (len(rising) - rising.index(edge))


def _width(node: Node) -> int:
    title = min(len(node.title), MAX_CHARACTERS) * TITLE_WIDTH
    lines = [min(len(line), MAX_CHARACTERS) * LINE_WIDTH for line in node.lines]
    return round(max(title, *lines, 56) if lines else max(title, 56)) + 2 * _PAD


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else f"{text[: MAX_CHARACTERS - 1]}…"


def _path(points: Sequence[tuple[int, int]]) -> str:
    """Return the way through these points, its corners rounded."""
    steps = [f"M{points[0][0]} {points[0][1]}"]
    for before, (x, y), after in zip(points, points[1:], points[2:], strict=False):
        ax, ay = _towards((x, y), before)
        bx, by = _towards((x, y), after)
        steps.append(f"L{ax} {ay}Q{x} {y} {bx} {by}")
    steps.append(f"L{points[-1][0]} {points[-1][1]}")
    return "".join(steps)


def _towards(corner: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    (x, y), (ox, oy) = corner, other
    reach = min(_BEND, (abs(ox - x) + abs(oy - y)) // 2)
    return x + (ox > x) * reach - (ox < x) * reach, y + (oy > y) * reach - (oy < y) * reach
