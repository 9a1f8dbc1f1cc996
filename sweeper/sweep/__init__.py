"""This package decides for a sweep: what runs next, what fits the budget, and when it is enough."""
