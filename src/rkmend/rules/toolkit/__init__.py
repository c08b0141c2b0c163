"""Rules about exceptions and crashes of the toolkit that no operator is to blame for."""
