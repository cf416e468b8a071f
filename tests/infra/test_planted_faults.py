"""What the checker says of the project's templates, whole and with one fault in them."""

from __future__ import annotations

import re

import pytest

from tests.infra.planted import ALL, Planted
from tests.infra.project import Project

LINE = re.compile(r"[\w./-]+:\d+:\d+: [a-z-]+: .+; .+")


@pytest.mark.timeout(300)
def test_nothing_is_wrong_with_the_templates(project: Project) -> None:
    """With every example value, no rule finds a fault in what is shipped."""
    assert {} == project.rules(thorough=True)


@pytest.mark.parametrize("planted", ALL, ids=lambda planted: planted.what)
def test_a_planted_fault_is_found(project: Project, planted: Planted) -> None:
    """The rule that is for it finds it, in the words of a fault: place, rule, what is wrong; what to do."""
    project.plant(planted.path, planted.before, planted.after)
    found = project.rules(thorough=planted.thorough)
    assert planted.rule in found
    assert all(LINE.fullmatch(line) for lines in found.values() for line in lines)


def test_the_planted_faults_have_names_of_their_own() -> None:
    """So that a failing test says which it is."""
    assert len(ALL) == len({planted.what for planted in ALL})
