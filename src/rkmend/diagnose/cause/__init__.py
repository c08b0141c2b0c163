"""The cause: which property of a failing model decides, established by experiment."""
