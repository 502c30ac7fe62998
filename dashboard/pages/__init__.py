"""The pages: what is on them and in which order, nothing else."""
