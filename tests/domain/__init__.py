"""Tests of Stageward."""
