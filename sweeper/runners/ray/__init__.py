"""The parts of the Ray Tune runner (`sweeper.runners.ray_tune`).

`cluster` and `join` start or join Ray, `machines` reads its nodes, `tune_adapter` connects Tune's callbacks
with the attempts, and `watchdog` ends workers and says what took one. `worker` runs inside Ray's process.
What a worker of our own needs too lies in `sweeper.runners.parts`.
"""
