"""Contains the search itself, as pure functions: grid, candidates, budgets, trials, plan and ranking.

Nothing here imports torch, Ray or pandas.
"""
