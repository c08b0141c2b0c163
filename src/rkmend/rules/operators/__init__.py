"""Rules about elementwise operators and reductions."""
