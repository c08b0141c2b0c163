"""The diagnosis room: which operators a failure comes from."""
