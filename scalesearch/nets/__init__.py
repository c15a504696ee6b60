"""Torch networks from architectures, and what fvcore counts of them."""
