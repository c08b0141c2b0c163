"""The mending room: applying, proving, choosing."""
