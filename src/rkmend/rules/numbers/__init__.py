"""Rules about models that convert and compute something else."""
