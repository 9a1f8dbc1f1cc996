"""Optuna proposes: an ask/tell study in memory, rebuilt from the record when a sweep resumes."""

import inspect
import json
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import TrialState
from pydantic import Field

from sweeper.errors import SpecError
from sweeper.registry import nearest
from sweeper.search import searcher
from sweeper.search.points import value_at
from sweeper.space import Choice, Constant, FloatRange, IntRange, Parameter, Space, is_same
from sweeper.trial import Config, Goal, State, derive

_TOLD_AS = {State.COMPLETED: TrialState.COMPLETE, State.STOPPED: TrialState.PRUNED}


class OptunaSearch:
    """A study whose sampler is seeded anew for each trial.

    So a proposal is a function of the seed, the trial's number and the results so far, and a
    resumed sweep proposes what the undisturbed one would have. A trial stopped early is told
    PRUNED with its scores on the way, a crash FAIL, a configuration that cannot be trained as a
    violated constraint; what is not finite never gets here. With `counts_cost` the study has two
    objectives, the score and the device-seconds, and a stopped trial is a result like any other:
    Optuna does not prune studies of several objectives.
    """

    def __init__(
        self,
        space: Space,
        goal: Goal,
        seed: int,
        sampler: Callable[[int], BaseSampler],
        *,
        counts_cost: bool = False,
        keeps_notes: bool = True,
    ) -> None:
        """`keeps_notes` where the sampler writes on trials what it needs later: NSGA-II its generations."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        # `group`, which conditional parameters need, has been marked experimental since 2.8
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        self._space = space
        self._seed = seed
        self._sampler = sampler
        self._counts_cost = counts_cost
        directions: list[Goal] = [goal, "minimize"] if counts_cost else [goal]
        self._study = optuna.create_study(directions=directions, sampler=sampler(_seed32(seed, 0, 0)))
        self._keeps_notes = keeps_notes
        self._trials: dict[int, optuna.Trial] = {}
        self._epochs: dict[int, set[int]] = {}
        self._configs: dict[int, Config] = {}
        self._told: dict[int, Config] = {}
        self._draws: dict[int, int] = {}

    def propose(self, number: int) -> Config:
        """Asks the study; never exhausted."""
        again = self._draws.get(number, 0)
        self._draws[number] = again + 1
        self._study.sampler = self._sampler(_seed32(self._seed, number, again))
        trial = self._study.ask()
        config = self._space.sample(lambda name, parameter: _suggest(trial, name, parameter))
        if self._keeps_notes:
            self._enter(number, trial, config)
        else:  # what the record holds and no more: TPE notes on a trial values that its configuration lacks
            self._study.tell(trial, state=TrialState.FAIL)
            self.adopt(number, config)
        return config

    def adopt(self, number: int, config: Config) -> None:
        """Enter the configuration as running; one that lies outside the space teaches nothing."""
        if not self._space.contains(config):
            return
        self._study.sampler = self._sampler(_seed32(self._seed, number, 0))
        self._study.enqueue_trial(self._parameters(config))
        trial = self._study.ask()
        if self._keeps_notes:
            _ = trial.relative_params  # looks as if nothing came of it, but the sampler writes its notes
        self._enter(number, trial, config)
        self._space.sample(lambda name, parameter: _suggest(trial, name, parameter))

    def observe(self, number: int, epoch: int, score: float) -> None:
        """An intermediate value of the Optuna trial; the first one of an epoch counts.

        A trial that was told as stopped and goes on, because it was promoted, is entered once more:
        else the study would know the best configurations by their first rung alone.
        """
        if number in self._told:
            self.adopt(number, self._told.pop(number))
        if number in self._trials and epoch not in self._epochs[number] and not self._counts_cost:
            self._epochs[number].add(epoch)
            self._trials[number].report(score, epoch)

    def finish(self, number: int, state: State, score: float | None, cost: float = 0.0) -> None:
        """Tell the study once; a trial that it never heard of is passed over."""
        trial, _ = self._trials.pop(number, None), self._epochs.pop(number, None)
        if trial is None:
            return
        config = self._configs.pop(number)
        if state is State.STOPPED:
            self._told[number] = config
        if state is State.INFEASIBLE:
            trial.set_constraint("feasible", 1.0)
            told = TrialState.FAIL if self._counts_cost else TrialState.PRUNED
            self._study.tell(trial, state=told)
        elif score is None or state not in _TOLD_AS:
            self._study.tell(trial, state=TrialState.FAIL)
        elif self._counts_cost:
            self._study.tell(trial, [score, cost])
        else:
            told = _TOLD_AS[state]
            self._study.tell(trial, score if told is TrialState.COMPLETE else None, state=told)

    def _enter(self, number: int, trial: optuna.Trial, config: Config) -> None:
        self._trials[number], self._epochs[number] = trial, set()
        self._configs[number] = config
        self._told.pop(number, None)

    def _parameters(self, config: Config) -> dict[str, Any]:
        found: dict[str, Any] = {}

        def note(name: str, parameter: Parameter) -> Any:
            value = value_at(config, name)
            if not isinstance(parameter, Constant):
                found[name] = _encoded(parameter, value)
            return value

        self._space.sample(note)
        return found


def _seed32(seed: int, number: int, again: int) -> int:
    """NumPy's legacy generator, which Optuna uses, takes 32 bits."""
    return derive(seed, "optuna", number, again) & 0xFFFFFFFF


def _suggest(trial: optuna.Trial, name: str, parameter: Parameter) -> Any:
    if isinstance(parameter, Constant):
        return parameter.value
    value = _ask(trial, name, parameter)
    return _decoded(parameter, value)


def _ask(trial: optuna.Trial, name: str, parameter: Choice | IntRange | FloatRange) -> Any:
    """The parameter in Optuna's words."""
    match parameter:
        case Choice():
            return trial.suggest_categorical(name, _labels(parameter))
        case IntRange():
            # Optuna takes no step on a logarithmic range; `Space.sample` puts the value on its grid
            step = 1 if parameter.log else parameter.step
            return trial.suggest_int(name, parameter.low, parameter.high, step=step, log=parameter.log)
        case FloatRange():
            step = None if parameter.log else parameter.step
            return trial.suggest_float(name, parameter.low, parameter.high, step=step, log=parameter.log)


def _labels(parameter: Choice) -> list[Any]:
    """A choice's values in Optuna's words; all as JSON where two would look alike to it, as 1 and true."""
    texts = [json.dumps(value) for value in parameter.values]
    plain = [t if isinstance(v, list) else v for v, t in zip(parameter.values, texts, strict=True)]
    return plain if len(set(plain)) == len(plain) else texts


def _encoded(parameter: Parameter, value: Any) -> Any:
    if not isinstance(parameter, Choice):
        return value
    place = next(place for place, known in enumerate(parameter.values) if is_same(known, value))
    return _labels(parameter)[place]


def _decoded(parameter: Choice | IntRange | FloatRange, value: Any) -> Any:
    if not isinstance(parameter, Choice):
        return round(value, 12) if isinstance(parameter, FloatRange) and parameter.step else value
    return parameter.values[_labels(parameter).index(value)]


@searcher("tpe")
def tpe(
    space: Space,
    goal: Goal,
    seed: int,
    *,
    startup: Annotated[int, Field(ge=1)] = 10,
    candidates: Annotated[int, Field(ge=1)] = 24,
    counts_cost: bool = False,
) -> OptunaSearch:
    """Tree-structured Parzen estimators (Bergstra et al., 2011): multivariate, grouped for conditional
    parameters, running trials counted as bad (constant liar). `startup` random trials come first;
    `counts_cost` searches the front of score and device-seconds."""

    def sampler(of_seed: int) -> BaseSampler:
        return optuna.samplers.TPESampler(
            seed=of_seed,
            multivariate=True,
            group=True,
            constant_liar=True,
            n_startup_trials=startup,
            n_ei_candidates=candidates,
        )

    return OptunaSearch(space, goal, seed, sampler, counts_cost=counts_cost, keeps_notes=False)


@searcher("nsga2")
def nsga2(
    space: Space, goal: Goal, seed: int, *, population: Annotated[int, Field(ge=2)] = 20
) -> OptunaSearch:
    """NSGA-II (Deb et al., 2002) on the front of score and device-seconds."""

    def sampler(of_seed: int) -> BaseSampler:
        return optuna.samplers.NSGAIISampler(seed=of_seed, population_size=population)

    return OptunaSearch(space, goal, seed, sampler, counts_cost=True)


@searcher("optuna")
def named(
    space: Space,
    goal: Goal,
    seed: int,
    *,
    sampler: str,
    options: dict[str, Any] | None = None,
    counts_cost: bool = False,
) -> OptunaSearch:
    """Any sampler of `optuna.samplers` by its class name, such as GPSampler, with its own options."""
    classes = {name for name in optuna.samplers.__all__ if name.endswith("Sampler")} - {"BaseSampler"}
    if sampler not in classes:
        raise SpecError(f"optuna.samplers has no {sampler!r}", hint=nearest(sampler, classes))
    build = getattr(optuna.samplers, sampler)
    takes_seed = "seed" in inspect.signature(build).parameters

    def seeded(of_seed: int) -> BaseSampler:
        return build(**(options or {}), **({"seed": of_seed} if takes_seed else {}))

    try:
        return OptunaSearch(space, goal, seed, seeded, counts_cost=counts_cost)
    except (TypeError, ValueError) as error:
        raise SpecError(f"search.options: {sampler}: {error}") from error
