"""Ten thousand events of one workspace, delivered at random by several processes at once."""
