"""The sweep file as frozen, complete models, which refuse what they do not know."""

import hashlib
import os
from collections.abc import Mapping, Sequence
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

from sweeper.config.override import override
from sweeper.config.parameter import Parameter
from sweeper.config.parse_parameters import ParameterSpec, parse_parameter, write_parameter
from sweeper.config.problem import problems
from sweeper.config.published_figures import published_of
from sweeper.config.resources import ResourcesSpec
from sweeper.config.sections import (
    BudgetSpec,
    DatasetSpec,
    FinalSpec,
    ObjectiveSpec,
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
from sweeper.errors import SpecError
from sweeper.trial import canonical

MAX_PARAMETERS = 200
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

    @model_validator(mode="after")
    def _check(self) -> Self:
        space = self.space
        self._check_final()
        for name in self.parameters:
            if not name.isidentifier() or name in POINT_LABELS:
                problem = f"{name!r} cannot name a parameter"
                raise SpecError(problem, path=f"parameters.{name}", hint="use letters, digits and _")
        for index, rule in enumerate(self.resources.rules):
            space.check_when(rule.when, f"resources.rules.{index}.when")
        for index, point in enumerate(self.points):
            values = {key: value for key, value in point.items() if key not in POINT_LABELS}
            try:
                space.check(values)
                published_of(point)
            except SpecError as error:
                path = f"points.{index}.{error.path}"
                raise SpecError(error.problem, path=path, hint=error.hint) from error
        return self

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

    def resolved(self) -> dict[str, Any]:
        """All of it as JSON values, defaults filled in; `SweepSpec.model_validate` reads it back."""
        return self.model_dump(mode="json")

    @property
    def digest(self) -> str:
        """The sha256 of what the sweep means, independent of file, order and shorthand."""
        return hashlib.sha256(canonical(self.resolved()).encode()).hexdigest()


def load_spec(
    path: Path | str, overrides: Sequence[str] = (), *, environment: Mapping[str, str] = os.environ
) -> SweepSpec:
    """Load the sweep that a file describes; any fault is one SpecError with file and line."""
    starter = f"`sweeper init {path}` writes one to start with"
    return _validated(read_document(Path(path), environment, starter), overrides, environment)


def parse_spec(
    text: str,
    *,
    name: str = "<text>",
    overrides: Sequence[str] = (),
    environment: Mapping[str, str] = os.environ,
) -> SweepSpec:
    """Parse the sweep that a text describes; `name` stands for the file in messages."""
    return _validated(parse_document(text, name=name, environment=environment), overrides, environment)


def restore_spec(resolved: Mapping[str, Any], *, name: str, overrides: Sequence[str] = ()) -> SweepSpec:
    """Restore the sweep that `resolved` wrote, to the letter: no variable in it is expanded again."""
    return _validated(Document(name, dict(resolved)), overrides, {})


def _validated(document: Document, overrides: Sequence[str], environment: Mapping[str, str]) -> SweepSpec:
    document = override(document, overrides, environment)
    try:
        spec = SweepSpec.model_validate(document.data)
    except ValidationError as error:
        errors = problems(error, document.data, SweepSpec)
        raise _located(errors[0], document, errors[1:]) from error
    spec._document, spec._overrides = document, tuple(overrides)  # pyright: ignore[reportPrivateUsage]
    return spec


def _located(first: SpecError, document: Document, others: Sequence[SpecError]) -> SpecError:
    """Put the first problem in one line, and where the others are."""
    hints = [first.hint] if first.hint else []
    if others:
        places = ", ".join(dict.fromkeys(document.where(other.path) for other in others[:5]))
        hints.append(f"and {len(others)} more problem{'s' if len(others) > 1 else ''} ({places})")
    whole = SpecError(first.problem, hint="; ".join(hints))
    return whole.at(first.path, document.where(first.path))
