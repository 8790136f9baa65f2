"""Training: recipe, objective, loop, checkpoints, logs."""
