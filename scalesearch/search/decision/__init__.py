"""Contains the Bayesian model of everything that a study measured, and the decision that follows from it."""
