"""This workload for simulations makes learning curves up: a smooth, seeded response to the configuration."""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sweeper.config.parameter import Choice, Constant, Parameter
from sweeper.config.space import Space
from sweeper.trial import Report, Trial, canonical, derive


@dataclass(frozen=True)
class SyntheticCurves:
    """A workload whose scores rise as those of small CNNs do: `best * (1 - exp(-epoch / pace))`.

    Every parameter has a hidden optimum (a function of `seed`) that `best` falls away from
    quadratically; a larger value of a numeric parameter takes more device-seconds. Scores carry
    noise of about half a point. They are made up and stand for no data set.
    """

    space: Space
    epochs: int
    metric: str = "valid/top5"
    seed: int = 0
    seconds_per_epoch: float = 10.0

    def __call__(self, trial: Trial) -> Iterator[Report]:
        """Yield a report for each epoch, from where the trial's last attempt ended."""
        noise = np.random.default_rng(derive(self.seed, "noise", trial.id))
        quality, cost = self._response(trial)
        pace = self.epochs / 6 * (0.5 + cost)
        first = int(trial.checkpoint or 0)
        jitter = noise.normal(0, 0.005, self.epochs)
        for epoch in range(first + 1, self.epochs + 1):
            score = float(np.clip(quality * (1 - math.exp(-epoch / pace)) + jitter[epoch - 1], 0, 1))
            seconds = self.seconds_per_epoch * cost * epoch
            metrics = {self.metric: score, "device_seconds": seconds}
            yield Report(epoch, score, seconds, metrics, checkpoint=str(epoch))

    def _response(self, trial: Trial) -> tuple[float, float]:
        quality, cost = 0.95, 0.2
        for name, value in trial.config.items():
            parameter = self.space.parameters.get(name)
            if parameter is None or isinstance(parameter, Constant):
                continue
            where = place(parameter, value)
            best = np.random.default_rng(derive(self.seed, "optimum", name)).uniform(0.2, 0.9)
            quality *= 1 - 0.5 * (where - best) ** 2
            cost += 0.3 * where
        return quality, cost


def place(parameter: Parameter, value: object) -> float:
    """Return where the value lies in its range, 0 to 1: of a list the mean, of a name a hash."""
    if parameter.per and isinstance(value, list):
        places = [_place(parameter, item) for item in value]
        return sum(places) / len(places) if places else 0.5
    return _place(parameter, value)


def _place(parameter: Parameter, value: object) -> float:
    extremes = parameter.extremes()
    low, high = extremes[0], extremes[-1]
    if isinstance(value, bool) or not isinstance(value, int | float) or not isinstance(low, int | float):
        digest = hashlib.sha256(canonical({"value": value}).encode()).digest()
        return digest[0] / 255
    if low == high:
        return 0.5
    if getattr(parameter, "log", False) or (isinstance(parameter, Choice) and low > 0):
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)
