"""The parts of the Ray Tune runner (`sweeper.runners.ray_tune`).

`cluster` and `join` start or join Ray, `slots` and `placement` count what it has room for, `tune_adapter`
connects Tune's callbacks with the sweep, and `watchdog` ends attempts that hang. The others run inside a
worker: `worker` itself, `notice` (SIGTERM), `leaks`, `energy` and `versions`.
"""
