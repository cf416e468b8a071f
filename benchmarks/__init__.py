"""What Stageward costs, measured: `python -m benchmarks` compares everything in one run."""
