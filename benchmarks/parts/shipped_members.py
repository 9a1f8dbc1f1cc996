"""The portfolio that ships: members chosen on all recorded sets, and spare ones for other optimizers."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from parts.complementary import Ground
from parts.curve_recorder import FOLDER, read
from parts.own_curves import Candidate, families, grounds, place_of_fast
from parts.varied_sets import AVERAGED, EPOCHS, PARAMETERS, drawn

from sweeper.config.named_recipes import RECIPES
from sweeper.search.parts.complementing import complementing
from sweeper.search.parts.portfolio_file import NAME, PortfolioFile, portfolio_text
from sweeper.trial import Config

SIZE = 12
SPARE = 3
"""Members of each optimizer behind the others: they run where a space leaves the others out."""
OPTIMIZERS = ("muon", "adamw", "sgd")
COMMENT = (
    "Configurations of `cnn` that complement each other: `search.start: portfolio` runs the first twelve",
    "that fit. Made by `python benchmarks/portfolio.py build` from the curves in benchmarks/curves/cnn.",
    "docs/search.md says how much it is worth on images that it has not seen. `pixels` are a share of the",
    "largest that a space has. There is none for `pretrained`: no weights were at hand to record it with.",
)


def places(configs: Sequence[Config], known: Mapping[str, Ground], fast: int) -> list[int]:
    """`fast`, those that complement it, then the same among the candidates of each optimizer."""
    regrets = np.stack([ground.regrets for ground in known.values()], axis=1)
    costs = np.mean([ground.costs for ground in known.values()], axis=0)
    found = complementing(regrets, costs, SIZE, first=[fast])
    for optimizer in OPTIMIZERS:
        among = [place for place, config in enumerate(configs) if config["optimizer"] == optimizer]
        spare = [among[place] for place in complementing(regrets[among], costs[among], SPARE)]
        found += [place for place in spare if place not in found]
    return found


def configurations(candidates: Sequence[Candidate]) -> list[Config]:
    """Each candidate's draw, with the schedule that it was trained under and plain weights."""
    draws = drawn(1 + max(candidate.number for candidate in candidates))
    return [
        {key: value for key, value in draws[each.number].items() if key != AVERAGED}
        | {"schedule": each.schedule}
        for each in candidates
    ]


def file_text(candidates: Sequence[Candidate], known: Mapping[str, Ground], machine: str) -> str:
    """The file, whose members keep the number that they have in the curves as their name."""
    configs = configurations(candidates)
    recipe = RECIPES["fast"]
    common: dict[str, Any] = {"architecture": "cnn"}
    common |= {key: value for key, value in recipe.values.items() if key not in PARAMETERS}
    fast = place_of_fast(candidates)
    members = [
        {NAME: f"curve {candidates[place].number}" if place != fast else "fast", **configs[place]}
        for place in places(configs, known, fast)
    ]
    made: dict[str, Any] = {
        "by": "benchmarks/portfolio.py build",
        "date": time.strftime("%Y-%m-%d"),
        "of": f"{len(candidates)} configurations x {EPOCHS} epochs on {len(known)} data sets",
        "sets": list(known),
        "machine": machine,
    }
    description = (
        f"{SIZE} configurations that complement each other, and {max(0, len(members) - SIZE)} spare ones"
    )
    return portfolio_text(
        PortfolioFile(portfolio=1, description=description, made=made, common=common, members=members),
        COMMENT,
    )


def file_without(source: str) -> str:
    """The file as it would be if no curve had been recorded on the images of that source."""
    candidates, known = grounds(read(FOLDER))
    others = {name: ground for name, ground in known.items() if families()[name] != source}
    return file_text(candidates, others, "")
