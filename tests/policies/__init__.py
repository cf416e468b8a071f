"""Policies of Azure that Stageward renders, and how definitions are tried."""
