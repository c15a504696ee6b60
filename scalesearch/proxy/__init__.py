"""What a trial trains on and how: data, augmentation, schedule, training, the objective."""
