"""What arms reached on LCBench, a line for each sweep, so that a run goes on where it stopped."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
TRAININGS = 20
"""The budget, in trainings in full of mean length."""
Key = tuple[str, str, int, int]
"""Arm, set, seed and workers."""


@dataclass(frozen=True)
class Row:
    """Regret after each of `SHARES` of the budget."""

    arm: str
    task: str
    seed: int
    workers: int
    regret: Sequence[float]
    trials: int


class Rows:
    """The lines of a file, or of nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path and path.exists() else []
        rows = [Row(**json.loads(line)) for line in lines]
        self._rows = {(row.arm, row.task, row.seed, row.workers): row for row in rows}

    def __contains__(self, key: Key) -> bool:
        return key in self._rows

    def add(self, key: Key, regret: Sequence[float], trials: int) -> None:
        """Keep one sweep's figures."""
        row = self._rows[key] = Row(*key, list(regret), trials)
        if self._path:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(row)) + "\n")

    def of(self, seeds: int, workers: int) -> dict[str, dict[tuple[str, int], Row]]:
        """The rows of each arm by set and seed, for the first so many seeds."""
        found: dict[str, dict[tuple[str, int], Row]] = {}
        for row in self._rows.values():
            if row.seed < seeds and row.workers == workers:
                found.setdefault(row.arm, {})[row.task, row.seed] = row
        return found
