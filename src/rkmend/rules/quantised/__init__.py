"""Rules about quantised operators."""
