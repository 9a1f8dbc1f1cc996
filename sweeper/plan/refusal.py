"""Which configurations cannot be trained, and which only lack weights that are not on this machine."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import torch
import yaml

from sweeper.config.parameter import Choice, Parameter
from sweeper.config.spec import SweepSpec, restore_spec
from sweeper.data.dataset import DataFacts
from sweeper.errors import PreflightError, SpecError
from sweeper.plan.check_spec import TRIES, drawn
from sweeper.search.points import configurations, has_points_only
from sweeper.training.network import build, check_buildable, refuse_idle_weights
from sweeper.training.network_figures import counted_figures
from sweeper.training.progressive import check_progressive
from sweeper.training.recipe import Recipe, compose, without_file
from sweeper.trial import Config, canonical


@dataclass
class Refusal:
    """Why a configuration cannot be trained; an empty string for one that can.

    It remembers the networks that it has built: most configurations differ in how one of them is trained.
    A network whose weights are `absent` from this machine is looked at without them. `notes` say what had
    to be done to weights that are here.
    """

    spec: SweepSpec
    facts: DataFacts
    absent: dict[str, PreflightError] = field(default_factory=dict[str, PreflightError])
    notes: dict[str, None] = field(default_factory=dict[str, None])
    _built: dict[str, str] = field(default_factory=dict[str, str])

    def __call__(self, config: Config) -> str:
        """Builds the network on the meta device: about 10 ms, the first time."""
        try:
            recipe = compose(config, self.spec.train)
        except SpecError as error:
            return str(error)
        network = canonical(
            {
                **recipe.model_options,
                "architecture": recipe.architecture,
                "pixels": recipe.pixels,
                "optimizer": recipe.train.optimizer,  # Muon needs matrices to move
                "progressive": recipe.train.progressive,
                "augmented": recipe.augmentation != "none",
            }
        )
        if network not in self._built:
            self._built[network] = self._reason(recipe) or self._beyond(recipe)
        return self._built[network]

    def unlimited(self) -> "Refusal":
        """Return one that lets a network take what it wants."""
        objective = self.spec.objective.model_copy(update={"limits": None})
        return Refusal(self.spec.model_copy(update={"objective": objective}), self.facts)

    def lacks(self, config: Config) -> bool:
        """Whether the network could be built but for its weights."""
        return not self(config) and _weights(compose(config, self.spec.train)) in self.absent

    def _beyond(self, recipe: Recipe) -> str:
        """Say what the network takes beyond the limits that can be counted."""
        limits = self.spec.objective.limits
        if limits is None or not limits.is_counted:
            return ""
        shape = (self.facts.channels, recipe.pixels, recipe.pixels)
        with torch.device("meta"):
            module = build(without_file(recipe), shape=shape, classes=len(self.facts.classes))
        return limits.exceeded(counted_figures(module, shape))

    def _reason(self, recipe: Recipe) -> str:
        weights = _weights(recipe)
        try:
            refuse_idle_weights(recipe)
        except SpecError as error:
            return str(error)
        if weights in self.absent:
            recipe = without_file(recipe)
        shape = (self.facts.channels, recipe.pixels, recipe.pixels)
        try:
            notes = check_buildable(recipe, shape=shape, classes=len(self.facts.classes))
            self.notes |= dict.fromkeys(notes)
            check_progressive(recipe, shape=shape, classes=len(self.facts.classes))
        except SpecError as error:
            return str(error)
        except PreflightError as error:
            if weights in self.absent:
                raise
            self.absent[weights] = error
            return self._reason(recipe)
        return ""


def _weights(recipe: Recipe) -> str:
    """The network and the file that its weights come from; of a network without a file no other has it."""
    options = recipe.model_options
    return canonical({"backbone": options.get("backbone"), "weights": options.get("weights")})


def absent_weights(refusal: Refusal) -> PreflightError | None:
    """What the networks of some configurations lack here, with the override that goes on without them."""
    spec = refusal.spec
    for config in configurations(spec) if has_points_only(spec) else _draws(spec):
        refusal(config)
    if not refusal.absent:
        return None
    first, *_ = refusal.absent.values()
    others = [str(json.loads(weights)["backbone"]) for weights in list(refusal.absent)[1:]]
    more = f"; so are those of {', '.join(others)}" if others else ""
    going_on = None if has_points_only(spec) else _without(refusal)
    hint = f"{first.hint}; or go on without them: {going_on}" if going_on else first.hint
    return PreflightError(f"{first.problem}{more}", hint=hint)


def _draws(spec: SweepSpec) -> list[Config]:
    return [drawn(spec, number) for number in range(TRIES)]


def _without(refusal: Refusal) -> str:
    """The override that leaves the most of the space, and nothing that lacks weights; "" where none does."""
    spec, best, most = refusal.spec, "", 0
    for name, parameter in spec.parameters.items():
        kept = _kept(refusal, name, parameter)
        if not kept:
            continue
        left = sum(name not in config or config[name] in kept for config in _draws(spec))
        words = _override(name, parameter, kept)
        if left > most and not any(map(refusal.lacks, _narrowed(spec, words))):
            best, most = words, left
    return f"-o '{best}'" if best else ""


def _kept(refusal: Refusal, name: str, parameter: Parameter) -> list[object]:
    """The values with which no network lacks weights; nothing where that is none or all of them."""
    if not isinstance(parameter, Choice) or parameter.per:
        return []
    spec, kept = refusal.spec, list[object]()
    for value in parameter.values:
        held = [drawn(spec, number, {name: value}) for number in range(TRIES)]
        asked = [config for config in held if name in config]
        # neither a value that lacks weights nor one that no network can be trained with
        if not any(map(refusal.lacks, asked)) and not all(map(refusal, asked)):
            kept.append(value)
    return kept if len(kept) < len(parameter.values) else []


def _override(name: str, parameter: Parameter, kept: Sequence[object]) -> str:
    """A parameter with a condition is written with its parts, any other may be a plain list."""
    path = f"parameters.{name}.values" if parameter.when else f"parameters.{name}"
    return f"{path}={yaml.safe_dump(list(kept), default_flow_style=True, width=10_000).strip()}"


def _narrowed(spec: SweepSpec, override: str) -> Iterable[Config]:
    return _draws(restore_spec(spec.resolved(), name="", overrides=[override]))
