"""The sweep file as frozen, complete models: what it says, what is left out, and what is refused."""

import hashlib
import math
import os
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)

from sweeper.document import Document, parse_document, read_document
from sweeper.errors import SpecError
from sweeper.grammar import ParameterSpec, parse_parameter, write_parameter
from sweeper.override import override
from sweeper.parameter import Parameter
from sweeper.paths import safe_name
from sweeper.problem import problems
from sweeper.published import published_of
from sweeper.space import Space
from sweeper.trial import canonical

MAX_PARAMETERS = 200
POINT_LABELS = ("name", "published")  # keys of a point that are no parameters


def _whole(value: object) -> object:
    """`1e3` is a float to YAML and a whole number to whoever wrote it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _check_name(value: str) -> str:
    return safe_name(value)


Count = Annotated[int, Field(ge=1), BeforeValidator(_whole)]  # bounds first: the JSON Schema tells them
Natural = Annotated[int, Field(ge=0, lt=2**63), BeforeValidator(_whole)]
Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Metric = Literal["valid/top5", "valid/top1", "valid/loss", "train/loss"]
ParameterField = Annotated[
    Parameter,
    PlainValidator(parse_parameter, json_schema_input_type=ParameterSpec | list[Any] | str | float | bool),
    PlainSerializer(write_parameter),
]


class Strict(BaseModel):
    """Frozen, refuses unknown keys, converts nothing: `"8"` is text and `true` is no number."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class Open(Strict):
    """A section that names a plug-in: its further keys are that plug-in's options, checked later."""

    model_config = ConfigDict(extra="allow")

    @property
    def options(self) -> dict[str, Any]:
        """The keys that are the plug-in's."""
        return dict(self.model_extra or {})


class SplitSpec(Strict):
    """How the images are divided, by class and by seed."""

    train: Share = 0.7
    """Share of the images to train on."""
    valid: Share = 0.2
    """Share on which trials are compared."""
    test: Share = 0.1
    """Share kept for the winner, opened once at the end."""
    seed: Natural = 42
    """Another seed gives another division."""
    group_by: str | None = None
    """Pattern (regular expression) in the file name: files with the same match stay together."""
    folds: Annotated[int, Field(ge=2)] | None = None
    """Cross-validation: divide train and valid into this many folds."""
    fold: Natural = 0
    """Which fold validates, counted from 0."""

    @field_validator("group_by")
    @classmethod
    def _check_pattern(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            raise SpecError(f"found {value!r}, which is no regular expression: {error}") from error
        return value

    @model_validator(mode="after")
    def _check(self) -> Self:
        shares = (self.train, self.valid, self.test)
        if not math.isclose(sum(shares), 1.0, abs_tol=1e-6):
            found = " + ".join(f"{share:g}" for share in shares)
            raise SpecError(f"train + valid + test is {found} = {sum(shares):g}, expected 1")
        if self.folds is None and (self.train == 0 or self.valid == 0):
            empty = "train" if self.train == 0 else "valid"
            raise SpecError("found 0, expected a share that trials can use", where=empty)
        if self.folds is not None and self.fold >= self.folds:
            raise SpecError(f"found {self.fold}, expected at most {self.folds - 1}", where="fold")
        if self.folds is None and self.fold:
            raise SpecError(f"found {self.fold} without folds", where="fold", hint="add folds: 5")
        return self


class DatasetSpec(Open):
    """Which images. Further keys are options of the source (`crop`, `labels`, ...)."""

    source: str
    """The source plug-in: digits, image_folder, uecfood, cifar10, ..."""
    root: str | None = None
    """Folder or file of the images; sources that ship with a package need none."""
    split: SplitSpec = SplitSpec()
    """Training, validation and test shares."""


class TrainSpec(Strict):
    """How every trial trains; a parameter of the same name takes precedence."""

    epochs: Annotated[Count, Field(le=100_000)] = 20
    """Passes over the training split, at most."""
    batch_size: Count | Literal["auto"] = 128
    """Images a step; `auto` finds the largest that fits."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """Number format; `auto` is bf16 on a GPU that has it, else fp32."""
    optimizer: Literal["sgd", "rmsprop", "adam", "adamw"] = "adamw"
    """Optimizer; sgd uses Nesterov momentum."""
    learning_rate: Positive = 1e-3
    """Peak learning rate."""
    schedule: Literal["constant", "cosine", "one_cycle"] = "one_cycle"
    """How the learning rate moves over the epochs."""
    momentum: Fraction = 0.9
    """Momentum of sgd."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    """Weight decay, decoupled in adamw."""
    label_smoothing: Fraction = 0.0
    """Share of the label's weight spread over all classes."""
    clip_norm: Positive | None = None
    """Greatest norm of the gradient."""
    patience: Count | None = None
    """Epochs without a better score after which a trial ends."""
    class_weights: Literal["none", "balanced"] = "none"
    """`balanced` weighs rare classes up."""
    compile: bool = False
    """Compile the network (torch.compile): slower to start, faster on a GPU."""


class ObjectiveSpec(Strict):
    """What is best."""

    metric: Metric = "valid/top5"
    """The metric that ranks trials, measured on the validation split."""
    goal: Literal["maximize", "minimize"] = "maximize"
    """Which way is better; a loss is minimized where this is left out."""
    cost: Literal["gpu_hours", "usd", "device_seconds"] = "gpu_hours"
    """What is paid for it: the other axis of the front."""
    mode: Literal["pareto", "efficiency", "budget", "target"] = "pareto"
    """Which question the answer opens with."""
    min_top5: Share | None = None
    """Trials below it do not compete in efficiency."""
    target: float | None = None
    """With `mode: target`: the cheapest trial whose metric reaches this."""
    test: Literal["winner", "points"] = "winner"
    """Who is tested at the end: the winner; or also every completed point with published test figures."""

    @model_validator(mode="before")
    @classmethod
    def _aim(cls, raw: object) -> object:
        """A loss is minimized where the file does not say which way."""
        if not isinstance(raw, dict):
            return raw
        written = cast("dict[str, object]", raw)
        if "goal" not in written and str(written.get("metric", "")).endswith("/loss"):
            return {**written, "goal": "minimize"}
        return written

    @model_validator(mode="after")
    def _check(self) -> Self:
        goal = "minimize" if self.metric.endswith("/loss") else "maximize"
        if self.goal != goal:
            raise SpecError(f"found {self.goal!r} for {self.metric}, expected {goal!r}", where="goal")
        if self.mode == "target" and self.target is None:
            raise SpecError("'target' is missing", hint="mode: target needs the value to reach")
        return self


class SearchSpec(Open):
    """Who proposes configurations. Further keys are options of the algorithm."""

    algorithm: str = "tpe"
    """The search plug-in: tpe, random, grid, ..."""
    seed: Natural = 0
    """Seed of the search and, derived from it, of every trial."""
    repeats: Count = 1
    """Trials a configuration, each with its own seed; their mean ranks it."""


class SchedulerSpec(Open):
    """Who stops trials early. Further keys are options of the scheduler (`resource`, `grace`, ...)."""

    type: str = "asha"
    """The scheduler plug-in: asha, median, none."""


class BudgetSpec(Strict):
    """What the sweep may use, over all its restarts; the first limit reached ends it."""

    trials: Annotated[Count, Field(le=10_000_000)] | None = None
    """Trials, repeats included."""
    gpu_hours: Positive | None = None
    """Hours of GPU held; of CPU slots where there is no GPU."""
    usd: Positive | None = None
    """Money, at the known prices."""
    wall_hours: Positive | None = None
    """Hours on the wall clock."""
    max_failed: Count = 5
    """The sweep stops when this many trials fail before any succeeds."""


class ResourcesSpec(Strict):
    """What one trial holds."""

    gpu: Annotated[float, Field(ge=0)] = 1.0
    """GPUs: a fraction shares one, a whole number takes several. Ignored where there is none."""
    cpu: Positive = 1.0
    """CPU cores."""
    memory_gb: Positive | None = None
    """Memory in GB."""
    custom: dict[str, Positive] = {}
    """Ray's custom resources, by name."""
    concurrency: Count | None = None
    """Trials at a time, at most; left out, as many as fit."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.gpu > 1 and not self.gpu.is_integer():
            raise SpecError(f"found {self.gpu:g}, expected a fraction up to 1 or a whole number", where="gpu")
        return self


class TrackingSpec(Strict):
    """Where MLflow's copy goes."""

    uri: str = "auto"
    """MLflow tracking URI; `auto` is $MLFLOW_TRACKING_URI, else runs/mlflow.db."""
    experiment: str | None = None
    """MLflow experiment; the sweep's name where left out."""


class SweepSpec(Strict):
    """One sweep."""

    schema_version: Literal[1] = 1
    """Version of this grammar."""
    name: Annotated[str, AfterValidator(_check_name)]
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
    resources: ResourcesSpec = ResourcesSpec()
    """What a trial holds."""
    tracking: TrackingSpec = TrackingSpec()
    """Where MLflow's copy goes."""
    points: list[dict[str, Any]] = []
    """Configurations to run first: values by parameter, what is left out is searched; `name` labels one."""

    _document: Document = PrivateAttr(default_factory=lambda: Document("<spec>", {}))
    _overrides: tuple[str, ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _check(self) -> Self:
        space = self.space
        for name in self.parameters:
            if not name.isidentifier() or name in POINT_LABELS:
                problem = f"{name!r} cannot name a parameter"
                raise SpecError(problem, where=f"parameters.{name}", hint="use letters, digits and _")
        for index, point in enumerate(self.points):
            values = {key: value for key, value in point.items() if key not in POINT_LABELS}
            try:
                space.check(values)
                published_of(point)
            except SpecError as error:
                where = f"points.{index}.{error.where}"
                raise SpecError(error.problem, where=where, hint=error.hint) from error
        return self

    @cached_property
    def space(self) -> Space:
        """The parameters with their conditions."""
        return Space(self.parameters)

    @property
    def overrides(self) -> tuple[str, ...]:
        """What `-o` put in, as typed."""
        return self._overrides

    def where(self, path: str) -> str:
        """`file.yaml:12` for a dotted path, for messages about what only later turns out wrong."""
        return self._document.where(path)

    def resolved(self) -> dict[str, Any]:
        """All of it as JSON values, defaults filled in; `SweepSpec.model_validate` reads it back."""
        return self.model_dump(mode="json")

    @property
    def digest(self) -> str:
        """sha256 of what the sweep says, whatever file, order or shorthand says it."""
        return hashlib.sha256(canonical(self.resolved()).encode()).hexdigest()


def load_spec(
    path: Path | str, overrides: Sequence[str] = (), *, environment: Mapping[str, str] = os.environ
) -> SweepSpec:
    """The sweep that a file describes; whatever is wrong is one SpecError with file and line."""
    return _validated(read_document(Path(path), environment), overrides, environment)


def parse_spec(
    text: str,
    *,
    name: str = "<text>",
    overrides: Sequence[str] = (),
    environment: Mapping[str, str] = os.environ,
) -> SweepSpec:
    """The sweep that a text describes; `name` stands for the file in messages."""
    return _validated(parse_document(text, name=name, environment=environment), overrides, environment)


def restore_spec(resolved: Mapping[str, Any], *, name: str, overrides: Sequence[str] = ()) -> SweepSpec:
    """The sweep that `resolved` wrote down, to the letter: no variable in it is expanded again."""
    return _validated(Document(name, dict(resolved)), overrides, {})


def _validated(document: Document, overrides: Sequence[str], environment: Mapping[str, str]) -> SweepSpec:
    document = override(document, overrides, environment)
    try:
        spec = SweepSpec.model_validate(document.data)
    except ValidationError as error:
        found = problems(error, document.data, SweepSpec)
        raise _located(found[0], document, found[1:]) from error
    spec._document, spec._overrides = document, tuple(overrides)  # pyright: ignore[reportPrivateUsage]
    return spec


def _located(first: SpecError, document: Document, others: Sequence[SpecError]) -> SpecError:
    """The first problem in one line, and where the others are."""
    problem = f"{first.where}: {first.problem}" if first.where else first.problem
    hints = [first.hint] if first.hint else []
    if others:
        places = ", ".join(dict.fromkeys(document.where(other.where) for other in others[:5]))
        hints.append(f"and {len(others)} more problem{'s' if len(others) > 1 else ''} ({places})")
    return SpecError(problem, where=document.where(first.where), hint="; ".join(hints))
