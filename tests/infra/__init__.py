"""Tests of what is deployed beside Stageward."""
