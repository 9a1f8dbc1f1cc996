"""Configurations that complement each other, chosen on learning curves recorded on a variety of sets.

python benchmarks/portfolio.py record      trains what the parts lack; goes on where it stopped
python benchmarks/portfolio.py value       what a portfolio is worth on sets whose images it has not seen
python benchmarks/portfolio.py build       writes the file that ships, from all sets
"""

import argparse
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from parts.anytime import interval
from parts.complementary import Ground, left_out, regret_at_random
from parts.curve_recorder import FOLDER, machine, read, record
from parts.own_curves import Candidate, families, grounds, place_of_fast
from parts.shipped_members import SIZE, file_text
from parts.varied_sets import COUNT

SHIPPED_FILE = Path(__file__).resolve().parents[1] / "sweeper" / "search" / "parts" / "portfolio.yaml"
SPENT = (1.5, 2, 3, 4, 8)
"""Mean trainings of a set, one after the other and in full: nothing is stopped early here."""
ARMS = (
    "random order",
    "`fast`, then random order",
    "chosen greedily, then random order",
    "`fast`, then chosen greedily, then random order",
)


def worth(ground: Ground, firsts: Sequence[Sequence[int]], spent: float) -> tuple[float, ...]:
    """The regret of each arm on one set; `firsts` are the candidates that it begins with."""
    return tuple(regret_at_random(ground, spent, first) for first in firsts)


def value(known: Mapping[str, Ground], candidates: list[Candidate]) -> None:
    """A table over the sets, and the difference to random order in pairs of sets."""
    fast = place_of_fast(candidates)
    firsts = {
        name: ([], [fast], *(left_out(known, families(), name, SIZE, first) for first in ([], [fast])))
        for name in known
    }
    print(f"{len(candidates)} candidates on {len(known)} sets; regret in % of the median's, mean of sets\n")
    print("| arm | " + " | ".join(f"{spent:g}" for spent in SPENT) + " |")
    print("|" + " --- |" * (1 + len(SPENT)))
    regrets = {
        spent: {name: worth(ground, firsts[name], spent) for name, ground in known.items()} for spent in SPENT
    }
    for place, arm in enumerate(ARMS):
        cells = [_cell([each[place] for each in regrets[spent].values()]) for spent in SPENT]
        print(f"| {arm} | " + " | ".join(cells) + " |")
    for other in (0, 1):
        cells = [_cell([each[other] - each[3] for each in regrets[spent].values()]) for spent in SPENT]
        print(f"| less than {ARMS[other]} | " + " | ".join(cells) + " |")
    print(
        "\nrandom order, and the last arm:\n\n| set | "
        + " | ".join(f"after {spent:g}" for spent in SPENT)
        + " |"
    )
    print("|" + " --- |" * (1 + len(SPENT)))
    for name in known:
        cells = [f"{100 * each[0]:.0f}, {100 * each[3]:.0f}" for each in (regrets[s][name] for s in SPENT)]
        print(f"| {name} | " + " | ".join(cells) + " |")


def _cell(values: list[float]) -> str:
    if len(values) < 2:
        return f"{100 * statistics.fmean(values):.0f}"
    mean, half = interval(values)
    return f"{100 * mean:.0f} ± {100 * half:.0f}"


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=["record", "value", "build"])
    parser.add_argument("--count", type=int, default=COUNT, help="configurations")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the archives")
    parser.add_argument("--work", type=Path, default=Path("runs/portfolio"), help="for unpacked images")
    parser.add_argument("--curves", type=Path, default=FOLDER, help="folder of the Parquet parts")
    parser.add_argument("--file", type=Path, default=SHIPPED_FILE, help="what build writes")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="no training begins later")
    return parser.parse_args()


def main() -> int:
    options = parsed()
    if options.action == "record":
        until = time.time() + 60 * options.minutes
        record(options.count, options.data, options.work, options.curves, until=until)
        return 0
    candidates, known = grounds(read(options.curves))
    if options.action == "value":
        value(known, candidates)
    else:
        options.file.write_text(file_text(candidates, known, machine(options.curves)), encoding="utf-8")
        print(options.file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
