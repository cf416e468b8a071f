"""The tests of Stageward; the tree mirrors the package."""
