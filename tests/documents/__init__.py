"""Every command of every document is run, as it stands there."""
