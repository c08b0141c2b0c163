"""`python -m rkmend`."""

from rkmend.cli import main

main()
