"""What the tests of the templates share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.infra.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A copy of the templates, and of what they must agree with."""
    return Project(tmp_path)
