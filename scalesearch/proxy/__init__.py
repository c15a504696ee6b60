"""Train proxy networks: data, augmentation, learning-rate schedules, the training loop and a trial's objective."""
