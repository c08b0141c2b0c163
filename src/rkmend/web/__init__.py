"""The local page of `rkmend serve`: a web server for one person on one machine. Its packages are the extra `web`."""
