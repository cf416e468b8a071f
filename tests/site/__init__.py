"""Tests of the site of the documents."""
