"""What Stageward talks to: one module for each kind of store, registry or sink."""
