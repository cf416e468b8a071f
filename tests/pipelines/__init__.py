"""Pipelines of GitHub and Azure DevOps: their files, and what their scripts really do."""
