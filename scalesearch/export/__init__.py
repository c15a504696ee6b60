"""Definitions you can leave with: a network in the formats that people use, checked when it is made, and back."""
