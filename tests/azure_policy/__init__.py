"""Tests of evaluating rules of Azure Policy."""
