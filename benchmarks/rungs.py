"""What scores at a rung say about the end, under each schedule, with and without averaged weights.

    python benchmarks/rungs.py                              on the curves in benchmarks/curves/cnn

The same configurations with the same seeds were trained under each schedule (`portfolio.py record`); averaged
weights were validated beside the plain ones in the same training. Only configurations that all arms have are
counted. Intervals are 95 %, over resampled configurations, which are the same for every arm.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from parts.curve_recorder import FOLDER, Arm, read, score_table
from parts.rung_meaning import Estimate, beside, estimate, of_rung
from parts.varied_sets import EPOCHS, SCHEDULES, SETS

RUNGS = (1, 2, 4)
REFERENCE = Arm("one_cycle", is_averaged=False)
FAST = Arm("linear", is_averaged=False)  # what `fast` had when this was recorded
ARMS = tuple(
    Arm(schedule, is_averaged=is_averaged) for schedule in SCHEDULES for is_averaged in (False, True)
)
Scores = dict[Arm, np.ndarray]


def told(name: str, scores: Scores) -> None:
    """Tables of one set: what a rung is worth, ranks once more by pairs, and each arm beside one-cycle."""
    count = len(scores[REFERENCE])
    print(f"\n{name}: {count} configurations, {EPOCHS} epochs, {SETS[name].metric}; in %, regret in points\n")
    after = [f"after {epoch}" for epoch in RUNGS]
    heads = [
        "final, mean",
        "best",
        *(f"Spearman {each}" for each in after),
        *(f"regret {each}" for each in after),
    ]
    print(_line("schedule", heads) + "\n" + "|" + " --- |" * (1 + len(heads)))
    for arm, table in scores.items():
        final = table[:, -1]
        cells = [f"{100 * final.mean():.1f}", f"{100 * final.max():.1f}"]
        cells += [str(of_rung("spearman", table[:, epoch - 1], final)) for epoch in RUNGS]
        cells += [of_rung("regret", table[:, epoch - 1], final).percent() for epoch in RUNGS]
        print(_line(str(arm), cells))
    heads = [
        "final",
        "final, more than linear",
        *(f"Spearman {each}" for each in after),
        *(f"Kendall {each}, itself" for each in after),
    ]
    print("\n" + _line("more than one_cycle", heads) + "\n" + "|" + " --- |" * (1 + len(heads)))
    for arm, table in scores.items():
        theirs = scores[REFERENCE]
        cells = [ahead(table, theirs).percent()] if arm != REFERENCE else [""]
        cells += [ahead(table, scores[FAST]).percent()] if arm != FAST else [""]
        cells += [str(more_meaning(table, theirs, each)) if arm != REFERENCE else "" for each in RUNGS]
        cells += [str(of_rung("kendall", table[:, epoch - 1], table[:, -1])) for epoch in RUNGS]
        print(_line(str(arm), cells))


def _line(first: str, cells: list[str]) -> str:
    return f"| {first} | " + " | ".join(cells) + " |"


def ahead(ours: np.ndarray, theirs: np.ndarray) -> Estimate:
    """The mean of the final score's difference."""
    more = ours[:, -1] - theirs[:, -1]
    return estimate(lambda rows: float(more[rows].mean()), len(more))


def more_meaning(ours: np.ndarray, theirs: np.ndarray, epoch: int) -> Estimate:
    pairs = [(table[:, epoch - 1], table[:, -1]) for table in (ours, theirs)]
    return beside("spearman", pairs[0], pairs[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--curves", type=Path, default=FOLDER, help="folder of the Parquet parts")
    rows = read(parser.parse_args().curves)
    for name, varied in SETS.items():
        if varied.is_paired:
            told(name, score_table(rows, name, varied.metric, ARMS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
