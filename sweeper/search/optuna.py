"""Optuna proposes from an ask/tell study in memory, which is rebuilt from the record when a sweep resumes."""

import inspect
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState, create_trial
from pydantic import Field

from sweeper.config.space import Space
from sweeper.errors import SpecError
from sweeper.registry import nearest
from sweeper.search import Searcher, searcher
from sweeper.search.parts.cost_aware import Thrifty
from sweeper.search.parts.encoding import directions_of, distribution, flattened, suggested
from sweeper.search.parts.memory import Memory, ObservedTrial
from sweeper.search.parts.rung_sampler import COST
from sweeper.search.parts.shown import Shown
from sweeper.trial import Config, Goal, State, derive

_OPTUNA_STATES = {State.COMPLETED: TrialState.COMPLETE, State.STOPPED: TrialState.PRUNED}


class _OptunaSearch:
    """What both ways to ask Optuna share: the space, and a sampler that is seeded anew for each proposal."""

    def __init__(
        self, space: Space, goal: Goal, seed: int, sampler: Callable[[int], BaseSampler], counts_cost: bool
    ) -> None:
        _silence()
        self._space = space
        self._seed = seed
        self._sampler = sampler
        self._counts_cost = counts_cost
        self._directions = directions_of(goal, counts_cost=counts_cost)
        self._draws: dict[int, int] = {}

    def _next_sampler(self, number: int) -> BaseSampler:
        """Return the sampler for the trial's next proposal."""
        again = self._draws.get(number, 0)
        self._draws[number] = again + 1
        return self._sampler(_seed32(self._seed, number, again))


class MemorySearch(_OptunaSearch):
    """A sampler without memory of its own: each proposal comes from a new study of what was observed.

    The sampler is seeded anew for each trial, so that a proposal is a function of the seed, the trial's
    number and the results so far, and a resumed sweep proposes what the undisturbed one would have. A
    trial stopped early is told PRUNED with its scores on the way, a crash not at all, a configuration
    that cannot be trained as a violated constraint; what is not finite never gets here. With
    `counts_cost` the study has two objectives, the score and the device-seconds, and a stopped trial is
    a result like any other: Optuna does not prune studies of several objectives.
    """

    def __init__(
        self,
        space: Space,
        goal: Goal,
        seed: int,
        sampler: Callable[[int], BaseSampler],
        *,
        history: int,
        counts_cost: bool = False,
    ) -> None:
        """`history` is how many of the trials that are over the sampler sees, the best and the newest."""
        super().__init__(space, goal, seed, sampler, counts_cost)
        self._memory = Memory(goal, history)

    def suggest(self, number: int) -> Config:
        """Ask a new study; it is never exhausted."""
        sampler = self._next_sampler(number)
        shown = [frozen for each in self._memory.shown() if (frozen := self._frozen(each))]
        study = optuna.create_study(
            storage=Shown(shown),
            directions=self._directions,
            sampler=sampler,
        )
        trial = study.ask()
        config = self._space.sample(lambda name, parameter: suggested(trial, name, parameter))
        self._memory.enter(number, config)
        return config

    def register(self, number: int, config: Config) -> None:
        """Enter the configuration as running; one that lies outside the space teaches nothing."""
        if self._space.contains(config):
            self._memory.enter(number, config)

    def on_report(self, number: int, epoch: int, score: float) -> None:
        """Note an intermediate value of the trial."""
        self._memory.add(number, epoch, score)

    def on_complete(self, number: int, state: State, score: float | None, cost: float = 0.0) -> None:
        """Note the end of the trial; one that was neither suggested nor registered is passed over."""
        self._memory.close(number, state, score, cost)

    def _frozen(self, observed: ObservedTrial) -> FrozenTrial | None:
        """Return the trial as Optuna's; None where a study of two objectives has no use for it."""
        if observed.translation is None:
            observed.translation = self._translate(observed)
        return observed.translation

    def _translate(self, observed: ObservedTrial) -> FrozenTrial | None:
        state, values = _OPTUNA_STATES.get(observed.state, TrialState.PRUNED), None
        if observed.state is State.RUNNING:
            state = TrialState.RUNNING
        elif self._counts_cost:
            if observed.score is None:
                return None
            state, values = TrialState.COMPLETE, [observed.score, observed.cost]
        elif state is TrialState.COMPLETE and observed.score is not None:
            values = [observed.score]
        named = flattened(self._space, observed.config)
        trial = create_trial(
            state=state,
            values=values,
            params={name: value for name, (_, value) in named.items()},
            distributions={name: distribution(parameter) for name, (parameter, _) in named.items()},
            intermediate_values={} if self._counts_cost else observed.scores,
            user_attrs={COST: observed.cost},
            constraints={"feasible": 1.0} if observed.state is State.INFEASIBLE else None,
        )
        # 0 is the one that is asked for; below it are those of earlier sweeps
        trial.number = observed.number + 1 if observed.number >= 0 else observed.number
        return trial


def _silence() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # `group`, which conditional parameters need, has been marked experimental since 2.8
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


class StudySearch(_OptunaSearch):
    """One study that is kept, for a sampler that writes notes on trials (NSGA-II: generations).

    It hears what `MemorySearch` hears, but a crash is FAIL here, and no trial is left out.
    """

    def __init__(
        self,
        space: Space,
        goal: Goal,
        seed: int,
        sampler: Callable[[int], BaseSampler],
        *,
        counts_cost: bool = False,
    ) -> None:
        super().__init__(space, goal, seed, sampler, counts_cost)
        self._study = optuna.create_study(directions=self._directions, sampler=sampler(_seed32(seed, 0, 0)))
        self._trials: dict[int, optuna.Trial] = {}
        self._epochs: dict[int, set[int]] = {}
        self._configs: dict[int, Config] = {}
        self._stopped: dict[int, Config] = {}

    def suggest(self, number: int) -> Config:
        """Ask the study; it is never exhausted."""
        self._study.sampler = self._next_sampler(number)
        trial = self._study.ask()
        config = self._space.sample(lambda name, parameter: suggested(trial, name, parameter))
        self._enter(number, trial, config)
        return config

    def register(self, number: int, config: Config) -> None:
        """Enter the configuration as running; one that lies outside the space teaches nothing."""
        if not self._space.contains(config):
            return
        self._study.sampler = self._sampler(_seed32(self._seed, number, 0))
        self._study.enqueue_trial({k: value for k, (_, value) in flattened(self._space, config).items()})
        trial = self._study.ask()
        _ = trial.relative_params  # looks as if nothing came of it, but the sampler writes its notes
        self._enter(number, trial, config)
        self._space.sample(lambda name, parameter: suggested(trial, name, parameter))

    def on_report(self, number: int, epoch: int, score: float) -> None:
        """Report an intermediate value to the Optuna trial; the first one of an epoch counts.

        A trial that was told as stopped and goes on, because it was promoted, is entered once more: else the
        study would know the best configurations only by their first rung.
        """
        if number in self._stopped:
            self.register(number, self._stopped.pop(number))
        if number in self._trials and epoch not in self._epochs[number] and not self._counts_cost:
            self._epochs[number].add(epoch)
            self._trials[number].report(score, epoch)

    def on_complete(self, number: int, state: State, score: float | None, cost: float = 0.0) -> None:
        """Tell the study once; a trial that it does not know is passed over."""
        trial, _ = self._trials.pop(number, None), self._epochs.pop(number, None)
        if trial is None:
            return
        config = self._configs.pop(number)
        if state is State.STOPPED:
            self._stopped[number] = config
        if state is State.INFEASIBLE:
            trial.set_constraint("feasible", 1.0)
            self._study.tell(trial, state=TrialState.FAIL if self._counts_cost else TrialState.PRUNED)
        elif score is None or state not in _OPTUNA_STATES:
            self._study.tell(trial, state=TrialState.FAIL)
        elif self._counts_cost:
            self._study.tell(trial, [score, cost])
        else:
            final = _OPTUNA_STATES[state]
            self._study.tell(trial, score if final is TrialState.COMPLETE else None, state=final)

    def _enter(self, number: int, trial: optuna.Trial, config: Config) -> None:
        self._trials[number], self._epochs[number] = trial, set()
        self._configs[number] = config
        self._stopped.pop(number, None)


def _seed32(seed: int, number: int, again: int) -> int:
    """Return a seed of 32 bits, which is what NumPy's legacy generator in Optuna takes."""
    return derive(seed, "optuna", number, again) & 0xFFFFFFFF


@searcher("tpe")
def tpe(
    space: Space,
    goal: Goal,
    seed: int,
    *,
    startup: Annotated[int, Field(ge=1)] = 10,
    candidates: Annotated[int, Field(ge=1)] = 24,
    history: Annotated[int, Field(ge=20)] = 200,
    counts_cost: bool = False,
    cost_aware: bool = False,
    cooling: Annotated[int, Field(ge=1)] = 40,
) -> Searcher:
    """Tree-structured Parzen estimators (Bergstra et al., 2011): multivariate, grouped for conditional
    parameters, running trials counted as bad (constant liar). `startup` random trials come first;
    the sampler sees the best and the newest `history` trials; `counts_cost` searches the front of score
    and device-seconds; `cost_aware` prefers what trains fast, ever less until trial `cooling`."""

    def sampler(of_seed: int) -> BaseSampler:
        return optuna.samplers.TPESampler(
            seed=of_seed,
            multivariate=True,
            group=True,
            constant_liar=True,
            n_startup_trials=startup,
            n_ei_candidates=candidates,
        )

    search = MemorySearch(space, goal, seed, sampler, history=history, counts_cost=counts_cost)
    return Thrifty(search, space, cooling) if cost_aware else search


@searcher("nsga2")
def nsga2(
    space: Space, goal: Goal, seed: int, *, population: Annotated[int, Field(ge=2)] = 20
) -> StudySearch:
    """NSGA-II (Deb et al., 2002) on the front of score and device-seconds."""

    def sampler(of_seed: int) -> BaseSampler:
        return optuna.samplers.NSGAIISampler(seed=of_seed, population_size=population)

    return StudySearch(space, goal, seed, sampler, counts_cost=True)


@searcher("optuna")
def named(
    space: Space,
    goal: Goal,
    seed: int,
    *,
    sampler: str,
    options: dict[str, Any] | None = None,
    counts_cost: bool = False,
) -> StudySearch:
    """Any sampler of `optuna.samplers` by its class name, such as GPSampler, with its own options."""
    classes = {name for name in optuna.samplers.__all__ if name.endswith("Sampler")} - {"BaseSampler"}
    if sampler not in classes:
        raise SpecError(f"optuna.samplers has no {sampler!r}", hint=nearest(sampler, classes))
    build = getattr(optuna.samplers, sampler)
    takes_seed = "seed" in inspect.signature(build).parameters

    def seeded(of_seed: int) -> BaseSampler:
        return build(**(options or {}), **({"seed": of_seed} if takes_seed else {}))

    try:
        return StudySearch(space, goal, seed, seeded, counts_cost=counts_cost)
    except (TypeError, ValueError) as error:
        raise SpecError(f"search.options: {sampler}: {error}") from error
