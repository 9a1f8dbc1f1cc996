"""This package foresees a sweep before anything is spent: what it would run, and what that would cost.

`plan` reads the sweep file and the images and builds sample networks without computing. `estimate` makes the
quote: `network_cost` counts what each network computes, `timing_probe` and `past_runs` say how fast this
machine is, and `rehearsal` runs the whole sweep at that pace in the simulator (`simulate`). `budget_fit` says
whether the result fits the budget.
"""
