"""Other people's searches on the curves of a surrogate: workers on a virtual clock, and what they found."""

import heapq
import itertools
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from parts.replayed import Anytime

Config = Mapping[str, Any]


class Peer(Protocol):
    """A search with its early stopping, as its own project drives it."""

    def ask(self) -> tuple[Any, Config]:
        """Return a handle for the next trial, and what it runs."""
        ...

    def goes_on(self, handle: Any, epoch: int, score: float) -> bool:
        """Hear of an epoch, and say whether the trial goes on."""
        ...

    def ended(self, handle: Any, epoch: int, score: float) -> None:
        """Hear that the trial is over, stopped or trained in full."""
        ...


def drive(peer: Peer, curve: Callable[[Config], np.ndarray], budget: float, workers: int) -> Anytime:
    """Run the peer until its trials have spent the budget.

    `curve` has scores and seconds since the start by epoch, [2, epochs].
    """
    steps, spent, trials = list[tuple[float, float]](), 0.0, 0
    order, line = itertools.count(), list[tuple[float, int, Any, Config, np.ndarray, int]]()
    bests = list[Config]()

    def begin(now: float) -> None:
        handle, config = peer.ask()
        told = curve(config)
        heapq.heappush(line, (now + float(told[1, 0]), next(order), handle, config, told, 0))

    for _ in range(workers):
        begin(0.0)
        trials += 1
    while spent < budget:
        now, _, handle, config, told, place = heapq.heappop(line)
        score, seconds = float(told[0, place]), told[1]
        spent += float(seconds[place] - (seconds[place - 1] if place else 0.0))
        if not steps or score > steps[-1][1]:
            steps.append((spent, score))
            bests.append(config)
        goes_on = peer.goes_on(handle, place + 1, score)
        if goes_on and place + 1 < len(seconds):
            due = now + float(seconds[place + 1] - seconds[place])
            heapq.heappush(line, (due, next(order), handle, config, told, place + 1))
            continue
        peer.ended(handle, place + 1, score)
        begin(now)
        trials += 1
    return Anytime(steps, trials, bests)
