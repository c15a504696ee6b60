"""Compound scaling that can be believed: search how depth, width and resolution grow best together."""
