"""The configurations that a sweep begins with (`search.start`): a portfolio, fitted into its space."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sweeper.config.spec import SweepSpec
from sweeper.errors import SpecError
from sweeper.search.parts.fitting import Fitted, fit
from sweeper.search.parts.portfolio_file import NAME, SHIPPED, read_portfolio
from sweeper.search.points import configurations
from sweeper.trial import Config, canonical, derive
from sweeper.wording import counted

RANDOM = "random"
MOST = 12
"""Members that run; a file may have more, so that some fit whatever a space leaves out."""
_KEY = "search.start"
_OTHERWISE = f"-o {_KEY}=random begins without"


@dataclass(frozen=True, slots=True)
class Start:
    """What runs first: `members` fit the space, in the file's order; `others` do not, or are too many.

    `room` is how many of them the budget's trials have room for, `caution` what early stopping does to them.
    """

    source: str
    origin: str
    members: tuple[Fitted, ...]
    others: tuple[Fitted, ...]
    room: float
    caution: str = ""

    @property
    def runs(self) -> int:
        """How many members run."""
        return int(min(len(self.members), self.room))

    def said(self) -> str:
        """Say in a line what runs first, and what was changed for it."""
        title = "the portfolio" if self.source == SHIPPED else self.source
        total = len(self.members) + len(self.others)
        words = [f"{counted(self.runs, 'configuration')} of {title} first, of {total}"]
        if self.runs < len(self.members):
            words.append(f"the budget has no room for {len(self.members) - self.runs} more")
        if changed := sum(bool(each.changes) for each in self.members[: self.runs]):
            words.append(f"{changed} changed to fit the space")
        words += [f"{len(these)} left out ({why})" for why, these in _grouped(self.others)]
        return "; ".join([*words, self.caution] if self.caution else words)


def started(spec: SweepSpec, refusal: Callable[[Config], str] = lambda config: "") -> Start | None:
    """Return what runs first; None for a sweep that begins at random, or that knows its members already.

    `refusal` says why a configuration cannot be trained. SpecError, with its line, for a portfolio that
    cannot be read, that has no member in the space, or that a search has no use for.
    """
    start = spec.search.start
    if start == RANDOM or spec.search.members:
        return None
    try:
        _check_use(spec)
        portfolio = read_portfolio(start)
        fitted = _fitted(spec, portfolio.configurations, refusal)
    except SpecError as error:
        words = f"{error.where}: {error.problem}" if error.where else error.problem
        raise SpecError(f"{_KEY}: {words}", where=spec.where(_KEY), hint=error.hint, path=_KEY) from error
    members = [each for each in fitted if not each.unfit]
    if not members:
        (why, those), *_ = sorted(_grouped(fitted), key=lambda pair: -len(pair[1]))
        problem = (
            f"{_KEY}: no member of the portfolio lies in this space: {why} ({len(those)} of {len(fitted)})"
        )
        raise SpecError(problem, where=spec.where(_KEY), hint=_OTHERWISE, path=_KEY)
    surplus = [replace(each, unfit=f"{MOST} are enough") for each in members[MOST:]]
    others = [*(each for each in fitted if each.unfit), *surplus]
    return Start(start, portfolio.origin, tuple(members[:MOST]), tuple(others), _room(spec), _caution(spec))


def with_members(spec: SweepSpec, start: Start | None) -> SweepSpec:
    """Return the sweep with its members in it, so that it means the same whatever becomes of the file."""
    if start is None:
        return spec
    members = [dict(each.config) for each in start.members]
    return spec.model_copy(update={"search": spec.search.model_copy(update={"members": members})})


def member_number(spec: SweepSpec, config: Config) -> int | None:
    """Return which member of the portfolio the configuration is, counted from 1; None for no member."""
    key = canonical(config)
    members = enumerate(spec.search.members, start=1)
    return next((number for number, member in members if canonical(member) == key), None)


def _check_use(spec: SweepSpec) -> None:
    search = spec.search
    if search.start != SHIPPED and "/" not in search.start and not search.start.endswith((".yaml", ".yml")):
        raise SpecError(
            f"found {search.start!r}, expected `random`, `portfolio` or a file", hint="a file ends in .yaml"
        )
    if search.algorithm == "grid":
        raise SpecError("a grid runs every configuration in its own order", hint="leave start out, or search")
    if search.algorithm == "points":
        raise SpecError("`algorithm: points` runs the points and nothing else", hint="leave start out")
    if spec.space.size == 1:
        raise SpecError("the space has one configuration, nothing is to be searched", hint="leave start out")


def _fitted(spec: SweepSpec, members: Sequence[Config], refusal: Callable[[Config], str]) -> list[Fitted]:
    fixed = {"architecture": "cnn", **spec.train.model_dump()}
    seen = {canonical(config): "a point of the file" for config in configurations(spec)}
    found: list[Fitted] = []
    for number, member in enumerate(members, start=1):
        generator = np.random.default_rng(derive(spec.search.seed, "portfolio", number))
        values = {key: value for key, value in member.items() if key != NAME}
        each = fit(str(member.get(NAME, number)), values, spec.space, fixed, generator)
        key = canonical(each.config)
        if not each.unfit and key in seen:
            each = replace(each, unfit=f"the same as {seen[key]}")
        elif not each.unfit and (reason := refusal(each.config)):
            each = replace(each, unfit=f"cannot be trained: {reason}")
        seen.setdefault(key, "another member")
        found.append(each)
    return found


def _caution(spec: SweepSpec) -> str:
    """Say that ASHA which stops compares nobody before so many results are there."""
    options = spec.scheduler.options
    if spec.scheduler.type != "asha" or options.get("kind", "stop") != "stop":
        return ""
    needed = math.ceil(options.get("reduction_factor", 3))
    return (
        f"where fewer than {needed} run at a time, the first {needed - 1} are trained in full before "
        "anybody is compared: scheduler.kind=promote pauses them"
    )


def _room(spec: SweepSpec) -> float:
    """Return how many configurations the budget's trials have room for behind the points."""
    if spec.budget.trials is None:
        return math.inf
    kept = spec.final.top * spec.final.seeds if spec.final else 0
    return max(0, math.ceil((spec.budget.trials - kept) / spec.search.repeats) - len(spec.points))


def _grouped(members: Sequence[Fitted]) -> Iterator[tuple[str, list[Fitted]]]:
    for why in dict.fromkeys(each.unfit for each in members):
        yield why, [each for each in members if each.unfit == why]
