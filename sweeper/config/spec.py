"""The sweep file as frozen, complete models, which refuse what they do not know."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    PlainSerializer,
    PlainValidator,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from sweeper.config.named_recipes import RecipeName, stands_for, with_recipe
from sweeper.config.objective_section import ObjectiveSpec
from sweeper.config.override import override
from sweeper.config.parameter import Constant, Parameter
from sweeper.config.parse_parameters import ParameterSpec, parse_parameter, write_parameter
from sweeper.config.problem import problems
from sweeper.config.published_figures import published_of
from sweeper.config.resources import ResourcesSpec
from sweeper.config.salvage import salvaged, section_of
from sweeper.config.sections import (
    BudgetSpec,
    DatasetSpec,
    FinalSpec,
    SchedulerSpec,
    SearchSpec,
    StopWhenSpec,
    Strict,
    SweepName,
    TrackingSpec,
    TrainSpec,
)
from sweeper.config.space import Space
from sweeper.config.yaml_document import Document, parse_document, read_document
from sweeper.errors import Mistakes, SpecError, together
from sweeper.trial import canonical

MAX_PARAMETERS = 200
ENOUGH = 50  # mistakes after which nobody reads on
POINT_LABELS = ("name", "published")  # keys of a point that are no parameters


ParameterField = Annotated[
    Parameter,
    PlainValidator(parse_parameter, json_schema_input_type=ParameterSpec | list[Any] | str | float | bool),
    PlainSerializer(write_parameter),
]


class SweepSpec(Strict):
    """One sweep."""

    schema_version: Literal[1] = 1
    """Version of this grammar."""
    name: SweepName
    """Names the sweep and its folder in runs/."""
    description: str = ""
    """A sentence for people."""
    dataset: DatasetSpec
    """Which images, and how they are split."""
    parameters: Annotated[dict[str, ParameterField], Field(min_length=1, max_length=MAX_PARAMETERS)]
    """What is searched: see Parameters."""
    recipe: RecipeName = "plain"
    """Defaults of `train`, of the images and of `cnn`; what the file says itself takes precedence."""
    train: TrainSpec = TrainSpec()
    """How every trial trains."""
    objective: ObjectiveSpec = ObjectiveSpec()
    """What is best."""
    search: SearchSpec = SearchSpec()
    """Who proposes."""
    scheduler: SchedulerSpec = SchedulerSpec()
    """Who stops early."""
    budget: BudgetSpec = BudgetSpec()
    """What may be used."""
    final: FinalSpec | None = None
    """Repeats of the best few at the end; none where left out."""
    stop_when: StopWhenSpec | None = None
    """When the search ends before its budget; only then, where left out."""
    resources: ResourcesSpec = ResourcesSpec()
    """What a trial holds."""
    tracking: TrackingSpec = TrackingSpec()
    """Where MLflow's copy goes."""
    points: list[dict[str, Any]] = Field(default=[])
    """Configurations to run first: values by parameter, what is left out is searched; `name` labels one."""

    _document: Document = PrivateAttr(default_factory=lambda: Document("<spec>", {}))
    _overrides: tuple[str, ...] = PrivateAttr(default=())
    _written: Document | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _check(self) -> Self:
        mistakes = Mistakes()
        with mistakes.collected():
            self._check_final()
        with mistakes.collected():
            self._check_fuse()
        for name in self.parameters:
            with mistakes.collected():
                _check_name(name)
        with mistakes.collected():
            self._check_against(self.space, mistakes)
        mistakes.refuse()
        return self

    def _check_fuse(self) -> None:
        if self.train.compile and self.resources.fused > 1:
            raise SpecError(
                f"found {self.resources.fused} with train.compile: true, expected one of the two",
                path="resources.fuse",
                hint="fuse: off, or compile: false",
            )

    def _check_against(self, space: Space, mistakes: Mistakes) -> None:
        for index, rule in enumerate(self.resources.rules):
            with mistakes.collected():
                space.check_when(rule.when, f"resources.rules.{index}.when")
        for index, point in enumerate(self.points):
            if len(mistakes.found) >= ENOUGH:
                return
            values = {key: value for key, value in point.items() if key not in POINT_LABELS}
            for check in (lambda v=values: space.check(v), lambda p=point: published_of(p)):
                with mistakes.collected():
                    _below(f"points.{index}", check)
        for index, member in enumerate(self.search.members):
            if len(mistakes.found) < ENOUGH:
                with mistakes.collected():
                    _below(f"search.members.{index}", lambda m=member: space.check_whole(m))

    def _check_final(self) -> None:
        limits = self.budget.model_dump(exclude={"max_failed"}, exclude_none=True)
        if self.final and set(limits) == {"wall_hours"}:
            hint = "add budget.trials, budget.gpu_hours or budget.usd"
            raise SpecError("nothing can be kept back from wall_hours alone", path="final", hint=hint)
        if self.final and self.objective.mode == "target":
            hint = "a trial ends at its target: leave final out"
            raise SpecError("full-length runs do not go with objective.mode: target", path="final", hint=hint)
        if self.final and self.budget.trials and self.final.top * self.final.seeds >= self.budget.trials:
            kept = self.final.top * self.final.seeds
            raise SpecError(
                f"found {self.budget.trials}, of which the final takes {self.final.top} x {self.final.seeds}",
                path="budget.trials",
                hint=f"{4 * kept} leaves some for the search",
            )

    @cached_property
    def space(self) -> Space:
        """The parameters with their conditions."""
        return Space(self.parameters)

    @property
    def overrides(self) -> tuple[str, ...]:
        """The overrides of `-o`, as typed."""
        return self._overrides

    def where(self, path: str) -> str:
        """Return `file.yaml:12` for a dotted path, for messages about faults that show only later."""
        return self._document.where(path)

    def as_written(self) -> "SweepSpec | None":
        """The file without `-o`, which tells whose mistake one is; None where there was none to read."""
        if not self._overrides or self._written is None:
            return None
        return _checked(self._written, self._written, ())[0]

    def resolved(self) -> dict[str, Any]:
        """All of it as JSON values, defaults filled in; `SweepSpec.model_validate` reads it back."""
        return self.model_dump(mode="json")

    @property
    def recipe_values(self) -> dict[str, Any]:
        """The keys of the recipe that the file leaves as they are, with what they stand for."""
        fixed = {
            name: parameter.value if isinstance(parameter, Constant) else ...
            for name, parameter in self.parameters.items()
        }
        return stands_for(self.recipe, self.train.model_dump(), fixed)

    @property
    def digest(self) -> str:
        """The sha256 of what the sweep means, independent of file, order and shorthand."""
        return hashlib.sha256(canonical(self.resolved()).encode()).hexdigest()


def read_spec(
    path: Path | str, overrides: Sequence[str] = (), *, environment: Mapping[str, str] = os.environ
) -> tuple[SweepSpec | None, list[SpecError]]:
    """Return what a file says apart from its mistakes, and every mistake with its line.

    The first is None where nothing is left that could be checked further. SpecError for what is no sweep file
    at all.
    """
    starter = f"`sweeper init {path}` writes one to start with"
    return _read(read_document(Path(path), environment, starter), overrides, environment)


def load_spec(
    path: Path | str, overrides: Sequence[str] = (), *, environment: Mapping[str, str] = os.environ
) -> SweepSpec:
    """Load the sweep that a file describes; SpecError with file and line for its mistakes."""
    return _sound(*read_spec(path, overrides, environment=environment))


def parse_spec(
    text: str,
    *,
    name: str = "<text>",
    overrides: Sequence[str] = (),
    environment: Mapping[str, str] = os.environ,
) -> SweepSpec:
    """Parse the sweep that a text describes; `name` stands for the file in messages."""
    return _sound(*_read(parse_document(text, name=name, environment=environment), overrides, environment))


def restore_spec(resolved: Mapping[str, Any], *, name: str, overrides: Sequence[str] = ()) -> SweepSpec:
    """Restore the sweep that `resolved` wrote, to the letter: no variable in it is expanded again."""
    try:
        return _sound(*_read(Document(name, dict(resolved)), overrides, {}))
    except SpecError as error:
        if overrides:
            raise
        raise error.each()[0] from error  # nobody wrote this by hand: what is wrong with it is one damage


def _sound(spec: SweepSpec | None, mistakes: Sequence[SpecError]) -> SweepSpec:
    if mistakes or spec is None:
        raise together(mistakes)
    return spec


def _read(
    written: Document, overrides: Sequence[str], environment: Mapping[str, str]
) -> tuple[SweepSpec | None, list[SpecError]]:
    document = override(written, overrides, environment)
    spec, mistakes = _checked(document, written, overrides)
    own = {(each.path, each.problem) for each in _checked(written, written, ())[1]} if overrides else set()
    located: list[SpecError] = []
    for each in mistakes:
        source = written if (each.path, each.problem) in own else document
        located.append(each.at(each.path, source.where(each.path)))
    return spec, located


def _checked(
    document: Document, written: Document, overrides: Sequence[str]
) -> tuple[SweepSpec | None, list[SpecError]]:
    """Return the spec, and mistakes that still lack their lines.

    A mistake that follows a first one of the same section may be its echo, and is left out.
    """
    found: list[SpecError] = []
    document = with_recipe(document)
    data = document.data
    while True:
        try:
            spec = SweepSpec.model_validate(data)
        except ValidationError as error:
            seen, wrong = {section_of(each) for each in found}, problems(error, data, SweepSpec)
            found += [each for each in wrong if section_of(each) not in seen]
            before, data = data, salvaged(data, wrong)
            if data == before:
                return None, found
            continue
        spec._document, spec._overrides = document, tuple(overrides)  # pyright: ignore[reportPrivateUsage]
        spec._written = written  # pyright: ignore[reportPrivateUsage]
        return spec, found


def _check_name(name: str) -> None:
    if not name.isidentifier() or name in POINT_LABELS:
        problem = f"{name!r} cannot name a parameter"
        raise SpecError(problem, path=f"parameters.{name}", hint="use letters, digits and _")


def _below(path: str, check: Callable[[], object]) -> None:
    """Run the check; what it finds wrong lies below the path."""
    try:
        check()
    except SpecError as error:
        lower = [SpecError(e.problem, path=f"{path}.{e.path}", hint=e.hint) for e in error.each()]
        raise together(lower) from error
