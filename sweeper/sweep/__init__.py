"""How a sweep decides: what runs next, what fits the budget, what the search is told, when it is enough."""
