"""Pure: networks, coefficients, rounding, scaling and exact cost. No torch, no Ray, no pandas."""
