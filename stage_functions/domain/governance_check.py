"""What must hold of `protect_lifecycle` and `renamed` before a lifecycle may govern anything.

- who is to consent exists, and is somebody;
- a stage is renamed to one that there is, and is itself none any more;
- several stages become one only where several versions may hold that.

That a stage takes no name which another one has in force is checked when it is adopted.
"""

from __future__ import annotations

from collections.abc import Iterator

from stage_functions.domain.hint import did_you_mean
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.lifecycle_check import Fault
from stage_functions.domain.people import Directory


def governance_faults(lifecycle: Lifecycle, directory: Directory) -> Iterator[Fault]:
    """Yield what is wrong with who guards a lifecycle, and with the names of its stages."""
    for index, group in enumerate(lifecycle.protect_lifecycle):
        path = ("protect_lifecycle", index)
        if group not in directory.groups:
            known = ", ".join(directory.groups) or "none"
            hint = did_you_mean(group, directory.groups)
            yield Fault(path, f"no group is named {group}; the groups are {known}{hint}")
        elif not directory.groups[group] and group not in directory.entra:
            yield Fault(path, f"nobody is in {group}, so nobody could consent to a change")
    seen: dict[str, str] = {}
    for old, new in lifecycle.renamed.items():
        place = ("renamed", old)
        if old in lifecycle.stages:
            yield Fault(place, f"{old} is a stage still; one that is renamed is no longer there")
        if new not in lifecycle.stages:
            known = ", ".join(lifecycle.stages)
            yield Fault(place, f"no stage is named {new}; the stages are {known}")
        elif new in seen and lifecycle.stages[new].exclusive:
            yield Fault(
                place,
                f"{seen[new]} and {old} cannot both be called {new}: at most one version holds it",
            )
        seen.setdefault(new, old)
