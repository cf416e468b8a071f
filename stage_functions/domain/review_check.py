"""What must hold of the reviews of a lifecycle's stages, beside what `lifecycle_check` says.

- how they are made is said only where some are;
- every group is one of the file, and somebody may review: a group, or whoever votes on the way;
- who is to be reminded is so before the review lapses.

A stage may be frozen whichever it is, the initial one too: a version is kept as it was registered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stage_functions.domain.hint import did_you_mean
from stage_functions.domain.lifecycle import Lifecycle, Review
from stage_functions.domain.lifecycle_check import Fault, written
from stage_functions.domain.people import Directory


def review_faults(lifecycle: Lifecycle, directory: Directory) -> Iterator[Fault]:
    """Yield everything that is wrong with the reviews of a lifecycle, in the order of the file."""
    for name, stage in lifecycle.stages.items():
        path = ("stages", name, "review")
        if stage.review is None:
            if _says(lifecycle, name):
                yield Fault(path, "versions here are never reviewed: say review_every")
            continue
        yield from _faults(stage.review, path, directory)
        if not stage.review.groups and not _voted(lifecycle, name):
            yield Fault(
                ("stages", name, "review_every"),
                f"nobody may review versions at {name}, as no approval leads there: "
                "say review: {groups: […]}",
            )


def _faults(review: Review, path: tuple[str | int, ...], directory: Directory) -> Iterator[Fault]:
    for position, group in enumerate(review.groups):
        if group not in directory.groups:
            hint = did_you_mean(group, directory.groups)
            yield Fault((*path, "groups", position), f"no group is named {group}{hint}")
    for position, after in enumerate(review.remind):
        if after >= review.within:
            yield Fault(
                (*path, "remind", position),
                f"the review has lapsed by then: within is {written(review.within)}",
            )


def _voted(lifecycle: Lifecycle, stage: str) -> bool:
    ways = (one for one in lifecycle.transitions if one.target == stage)
    return any(one.approval is not None for one in ways)


def _says(lifecycle: Lifecycle, stage: str) -> bool:
    """Tell whether the file says how versions at a stage are reviewed."""
    stages = lifecycle.text.get("stages")
    said = stages.get(stage) if isinstance(stages, Mapping) else None
    return isinstance(said, Mapping) and "review" in said
