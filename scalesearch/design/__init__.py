"""Define networks, coefficients, rounding, scaling and exact cost: pure functions without torch, Ray or pandas."""
