"""Values and rules of Stageward: no input or output, no clock, no chance."""
