"""The report room: one file per output form."""
