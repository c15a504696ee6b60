"""Pure: grid, candidates, budgets, trials, plan and ranking. No torch, no Ray, no pandas."""
