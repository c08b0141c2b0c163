"""The toolkit room: environments, the warm worker, trials, their logs and their verdicts."""
