"""Two releases of Stageward over one ledger."""
