"""Interleaved timing in CPU-seconds, and one way to print what came out."""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Claim:
    """A figure that must reach (or, with `at_most`, stay within) a bound."""

    name: str
    value: float
    bound: float
    unit: str = "x"
    at_most: bool = False

    @property
    def holds(self) -> bool:
        return self.value <= self.bound if self.at_most else self.value >= self.bound


def options(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


def per_cpu_second(variants: Mapping[str, Callable[[], int]], rounds: int) -> dict[str, float]:
    """Items a CPU-second of each variant, the median of rounds in which all of them take turns.

    A variant returns how many items it has handled. The first call of each is not counted.
    """
    for variant in variants.values():
        variant()
    found: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, variant in variants.items():
            start = time.process_time()
            items = variant()
            found[name].append(items / (time.process_time() - start))
    return {name: sorted(rates)[rounds // 2] for name, rates in found.items()}


def finish(title: str, figures: Mapping[str, float], claims: list[Claim], *, as_json: bool, runs: int) -> int:
    """Prints figures and claims; 0 where all claims hold."""
    machine = f"{cpu()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    if as_json:
        held = [asdict(claim) | {"holds": claim.holds} for claim in claims]
        json.dump(
            {"benchmark": title, "machine": machine, "runs": runs, "figures": figures, "claims": held},
            sys.stdout,
            indent=2,
        )
        print()
    else:
        print(f"{title}: {machine}; median of {runs}")
        width = max(map(len, [*figures, *(claim.name for claim in claims)]))
        for name, value in figures.items():
            print(
                f"  {name:<{width}}  {value:>12,.3g}"
                if value < 100
                else f"  {name:<{width}}  {value:>12,.0f}"
            )
        for claim in claims:
            sign = "<=" if claim.at_most else ">="
            verdict = "holds" if claim.holds else "FAILS"
            line = f"{claim.value:>12,.3g} {claim.unit} (claim {sign} {claim.bound:g})  {verdict}"
            print(f"  {claim.name:<{width}}  {line}")
    return 0 if all(claim.holds for claim in claims) else 1


def cpu() -> str:
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
