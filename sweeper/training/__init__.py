"""Training one trial: a recipe, a generator of reports, checkpoints that resume to the same numbers."""
