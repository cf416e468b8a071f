"""Load, decide, commit, work off: what Stageward does with its domain and its ports."""
