"""The sections of a sweep file as frozen models; `sweeper.config.spec` puts them together."""

import math
import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from sweeper.errors import SpecError


def _whole(value: object) -> object:
    """Read `1e3`, a float to YAML, as the whole number that it was for whoever wrote it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Count = Annotated[int, Field(ge=1), BeforeValidator(_whole)]  # bounds first: the JSON Schema tells them
Natural = Annotated[int, Field(ge=0, lt=2**63), BeforeValidator(_whole)]
Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]


_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def safe_name(name: str) -> str:
    """Return the name if it can be a folder's on every system; SpecError otherwise."""
    if not _SAFE.fullmatch(name) or name.endswith("."):
        raise SpecError(
            f"{name!r} cannot name a sweep",
            hint="use at most 64 of A-Z a-z 0-9 . _ -, a letter or digit first",
        )
    return name


SweepName = Annotated[str, AfterValidator(safe_name)]


class Strict(BaseModel):
    """Frozen, refuses unknown keys, converts nothing: `"8"` is text and `true` is no number."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        serialize_by_alias=True,  # `from` is no name in Python
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
    near_copies: Literal["apart", "together"] = "apart"
    """`together`: pictures that are nearly the same stay on one side; `apart`: as it comes."""
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
            total = " + ".join(f"{share:g}" for share in shares)
            raise SpecError(f"train + valid + test is {total} = {sum(shares):g}, expected 1")
        if self.folds is None and (self.train == 0 or self.valid == 0):
            empty = "train" if self.train == 0 else "valid"
            raise SpecError("found 0, expected a share that trials can use", path=empty)
        if self.folds is not None and self.fold >= self.folds:
            raise SpecError(f"found {self.fold}, expected at most {self.folds - 1}", path="fold")
        if self.folds is None and self.fold:
            raise SpecError(f"found {self.fold} without folds", path="fold", hint="add folds: 5")
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
    """Images a step; `auto` takes the fewest that keep the device busy, `learning_rate` scaled."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """Number format; `auto` is bf16 where the device multiplies it, else fp16 on a GPU, fp32 on a CPU."""
    optimizer: Literal["sgd", "rmsprop", "adam", "adamw", "muon"] = "adamw"
    """Optimizer; sgd uses Nesterov momentum, muon moves matrices and leaves the rest to adamw."""
    learning_rate: Positive = 1e-3
    """Peak learning rate."""
    bias_rate: Positive = 1.0
    """Learning rate of biases, as a multiple of `learning_rate`."""
    norm_rate: Positive = 1.0
    """Learning rate of normalization layers, as a multiple."""
    head_rate: Positive = 1.0
    """Learning rate of the weights that give the logits, as a multiple."""
    schedule: Literal["constant", "cosine", "linear", "one_cycle", "warmup_stable_decay"] = "one_cycle"
    """How the learning rate moves over the epochs."""
    momentum: Fraction = 0.9
    """Momentum of sgd and muon."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    """Weight decay, decoupled in adamw."""
    label_smoothing: Fraction = 0.0
    """Share of the label's weight spread over all classes."""
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Decay a step of averaged weights, which are then validated and kept; none where left out."""
    lookahead: Annotated[Count, Field(ge=2)] | None = None
    """Steps after which slow weights, which are validated and kept, follow half of the way; or none."""
    progressive: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of `pixels` that training begins with: the last third of the epochs has all of them."""
    clip_norm: Positive | None = None
    """Greatest norm of the gradient."""
    patience: Count | None = None
    """Epochs without a better score after which a trial ends."""
    class_weights: Literal["none", "balanced"] = "none"
    """`balanced` weighs rare classes up."""
    compile: bool = False
    """Compile the network (torch.compile): slower to start, faster on a GPU."""


class SearchSpec(Open):
    """Who proposes configurations. Further keys are options of the algorithm."""

    algorithm: str = "tpe"
    """The search plug-in: tpe, random, grid, ..."""
    seed: Natural = 0
    """Seed of the search and, derived from it, of every trial."""
    repeats: Count = 1
    """Trials a configuration, each with its own seed; their mean ranks it."""
    warm_start: list[str] = Field(default=[], alias="from")
    """Earlier sweeps of the same images, whose results the search begins with."""
    reuse: bool = True
    """Whether a configuration that one of them ran already is answered from its record, at no cost."""
    start: str = "random"
    """What runs first: `portfolio`, the file of another one, or `random` for what the search proposes."""
    members: list[dict[str, Any]] = Field(default=[])
    """The portfolio's configurations, fitted into the space; a launch writes them, nobody else."""
    memory: Literal["auto", "none"] | list[str] = "none"
    """What earlier sweeps tell: `auto` looks at those of this folder, a list at these, `none` at nothing."""
    prior: list[dict[str, Any]] = Field(default=[])
    """Good values of sweeps of other images, which the memory found; a launch writes them, nobody else."""


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


class FinalSpec(Strict):
    """Trains the best few anew, in full, so that luck is told from merit; kept back from the budget."""

    top: Count = 3
    """Configurations."""
    seeds: Annotated[Count, Field(le=100)] = 3
    """Further trials of each, every one with a seed of its own."""
    race: bool = True
    """Whether a configuration that is clearly behind after two of them gets no more."""


class StopWhenSpec(Strict):
    """Ends the search when going on is not worth it."""

    gain: Positive = 0.002
    """The least rise of the best score that is worth going on for."""
    ahead: Positive = 0.25
    """Looks so far ahead: a share of the device time spent until now."""
    after: Count = 20
    """Attempts that must have ended before."""


class TrackingSpec(Strict):
    """Where MLflow's copy goes."""

    uri: str = "auto"
    """MLflow tracking URI; `auto` is $MLFLOW_TRACKING_URI, else runs/mlflow.db."""
    experiment: str | None = None
    """MLflow experiment; the sweep's name where left out."""
