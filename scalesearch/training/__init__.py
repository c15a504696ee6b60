"""Train a member for use: recipes, progressive learning, checkpoints, several workers."""
