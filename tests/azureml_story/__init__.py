"""The concept's patterns from end to end: Stageward as it is served, on a local Azure ML."""
