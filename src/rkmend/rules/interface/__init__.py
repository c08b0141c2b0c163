"""Rules about graph inputs and outputs."""
