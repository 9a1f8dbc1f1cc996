"""What `sweeper.sweep.marginal_gain` promises against what then happens, and what `stop_when` saves.

    python benchmarks/gain.py [--searches 200] [--seed 0]

Made-up searches (random ones of five distributions, four that get better with time), and the recorded
curves of `benchmarks/curves` in random order, every trial in full. `held`: how often the true gain of the
next quarter of the trials lies within the likely range.
"""

import argparse
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from parts.measure import cpu

from sweeper.config.sections import StopWhenSpec
from sweeper.sweep.marginal_gain import Ended, gain_ahead

CURVES = Path(__file__).parent / "curves"
AHEAD = 0.25
Search = Callable[[np.random.Generator, int], np.ndarray]


def climb(random: np.random.Generator, count: int) -> np.ndarray:
    """A hill climber in six dimensions that looks around at random in a fifth of its trials."""
    place, scores = random.random(6), list[float]()
    best = 1 - float((place**2).mean())
    for _ in range(count):
        near = np.clip(place + 0.15 * random.normal(size=6), 0, 1)
        tried = random.random(6) if random.random() < 0.2 else near
        scores.append(1 - float((tried**2).mean()))
        if scores[-1] > best:
            place, best = tried, scores[-1]
    return np.array(scores)


def rising(power: float) -> Search:
    """Approaches 1 as a power of the trial's number, with noise of 2 points."""
    return lambda random, count: 1 - np.arange(1, count + 1) ** -power + 0.02 * random.normal(size=count)


SEARCHES: dict[str, Search] = {
    "random, uniform": lambda random, count: random.random(count),
    "random, beta(5, 2)": lambda random, count: random.beta(5, 2, count),
    "random, beta(2, 5)": lambda random, count: random.beta(2, 5, count),
    "random, normal": lambda random, count: random.normal(size=count),
    "random, exponential": lambda random, count: random.exponential(size=count),
    "rising as 1/n": rising(1.0),
    "rising as 1/sqrt(n)": rising(0.5),
    "rising in line": lambda random, count: np.arange(count) / count + 0.05 * random.normal(size=count),
    "hill climber": climb,
}


def covered(search: Search, count: int, searches: int, seed: int) -> str:
    """One row: how often the interval held; the means of its upper end, expected and true gain."""
    held, highs, expected, true = 0, list[float](), list[float](), list[float]()
    for number in range(searches):
        random = np.random.default_rng([seed, number])
        scores = search(random, count + round(AHEAD * count))
        ended = list(zip(random.lognormal(0, 0.7, count), scores[:count], strict=True))
        gain = gain_ahead(ended, AHEAD, number)
        true.append(max(0.0, float(scores[count:].max() - scores[:count].max())))
        held += gain.low <= true[-1] <= gain.high
        highs.append(gain.high)
        expected.append(gain.expected)
    means = (np.mean(highs), np.mean(expected), np.mean(true))
    return f"{100 * held / searches:5.0f} %  " + "  ".join(f"{100 * mean:7.2f}" for mean in means)


def recorded(path: Path) -> list[Ended]:
    """Cost and best top-1 of each configuration, trained in full."""
    table = pq.read_table(path).to_pylist()
    best: dict[str, tuple[float, float]] = {}
    for row in table:
        seconds, score = best.get(row["config"], (0.0, 0.0))
        top1 = row["valid/top1"] if np.isfinite(row["valid/top1"]) else 0.0
        best[row["config"]] = (max(seconds, row["device_seconds"]), max(score, top1))
    return list(best.values())


def stopped(ended: list[Ended], rule: StopWhenSpec) -> int:
    """After how many trials the rule ends the search."""
    for looks, count in enumerate(range(rule.after, len(ended)), start=1):
        if gain_ahead(ended[:count], rule.ahead, ceiling=1.0, looks=looks).high < rule.gain:
            return count
    return len(ended)


def rule_rows(trials: list[Ended], searches: int, seed: int) -> Iterator[str]:
    """What each rule saves, and how far below the best of all trials it stops."""
    for gain in (0.002, 0.005, 0.01, 0.02):
        rule, saved, lost = StopWhenSpec(gain=gain, ahead=AHEAD), list[float](), list[float]()
        for number in range(searches):
            order = np.random.default_rng([seed, number]).permutation(len(trials))
            ended = [trials[place] for place in order]
            count = stopped(ended, rule)
            spent = list(accumulate(cost for cost, _ in ended))
            saved.append(1 - spent[count - 1] / spent[-1])
            lost.append(max(score for _, score in ended) - max(score for _, score in ended[:count]))
        far = 100 * np.quantile(lost, 0.95)
        yield f"{gain:5}  {100 * np.mean(saved):8.1f} %  {100 * np.mean(lost):9.2f}  {far:9.2f}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--searches", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    said = parser.parse_args()
    print(f"{cpu()}; {said.searches} searches a row; gains in points\n")
    print(f"{'search':20} trials   held     high  expected     true")
    for name, search in SEARCHES.items():
        for count in (20, 60, 200):
            print(f"{name:20} {count:6}  {covered(search, count, said.searches, said.seed)}", flush=True)
    for path in sorted(CURVES.glob("*.parquet")):
        trials = recorded(path)
        print(f"\n{path.stem}: {len(trials)} recorded trials in random order; stop_when, ahead {AHEAD}")
        print(" gain       saved  lost mean  lost 95 %")
        for row in rule_rows(trials, max(1, said.searches // 10), said.seed):
            print(row, flush=True)


if __name__ == "__main__":
    main()
