"""The section of a sweep file that says what is best, and what a network may take."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self, cast

from pydantic import Field, WithJsonSchema, model_validator

from sweeper.config.sections import Count, Positive, Share, Strict
from sweeper.errors import SpecError
from sweeper.trial import Goal

Metric = Literal["valid/top5", "valid/top1", "valid/balanced_top1", "valid/loss", "train/loss"]


_GOAL = {"enum": [str(goal) for goal in Goal], "type": "string"}


class LimitsSpec(Strict):
    """What the network of a trial may take at most; each that is given holds."""

    parameters: Count | None = None
    """As `plan` counts them."""
    operations: Count | None = None
    """Of one image's forward pass; a multiply-add is two."""
    milliseconds: Positive | None = None
    """Of one image alone on the trial's device, the median, measured after its first epoch."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.named:
            raise SpecError("none is given", hint="parameters: 200000, operations: 5e6 or milliseconds: 5")
        return self

    @property
    def named(self) -> dict[str, float]:
        """Return those that are given."""
        return {name: value for name, value in self.model_dump().items() if value is not None}

    @property
    def is_counted(self) -> bool:
        """Whether one of them can be told without a trial."""
        return self.parameters is not None or self.operations is not None

    def exceeded(self, figures: Mapping[str, float]) -> str:
        """Return what is beyond the first limit that does not hold, "" where all do or nothing is known."""
        for name, limit in self.named.items():
            if figures.get(name, 0.0) > limit:
                return f"{figures[name]:,.4g} {name}, objective.limits allows {limit:,.4g}".replace("e+", "e")
        return ""


class ObjectiveSpec(Strict):
    """What is best."""

    metric: Metric = "valid/top5"
    """The metric that ranks trials, on the validation split. `valid/balanced_top1`: the mean of the classes'
    top-1, in which rare classes count as much as common ones. Top-5 needs more than five classes."""
    goal: Annotated[Goal, Field(strict=False), WithJsonSchema(_GOAL)] = Goal.MAXIMIZE
    """Which way is better; a loss is minimized where this is left out."""
    cost: Literal["gpu_hours", "usd", "device_seconds"] = "gpu_hours"
    """What is paid for it: the other axis of the front."""
    mode: Literal["pareto", "efficiency", "budget", "target"] = "budget"
    """What to search for: the best, the front, the best ratio above `min_top5`, the cheapest at `target`."""
    min_top5: Share | None = None
    """Trials below it do not compete in efficiency; `mode: efficiency` needs it."""
    target: float | None = None
    """The value that `mode: target` must reach; a trial ends as soon as it does."""
    limits: LimitsSpec | None = None
    """What a network may take: others are not drawn, or end after their first epoch."""
    third_axis: Literal["parameters", "operations", "milliseconds"] | None = None
    """What the front of `mode: pareto` weighs beside score and cost."""
    test: Literal["winner", "points"] = "winner"
    """Who is tested at the end: the winner; or also every completed point with published test figures."""

    @model_validator(mode="before")
    @classmethod
    def _aim(cls, raw: object) -> object:
        """Minimize a loss where the file does not say which way."""
        if not isinstance(raw, dict):
            return raw
        written = cast("dict[str, object]", raw)
        if "goal" not in written and str(written.get("metric", "")).endswith("/loss"):
            return {**written, "goal": "minimize"}
        return written

    @model_validator(mode="after")
    def _check(self) -> Self:
        goal = Goal.MINIMIZE if self.metric.endswith("/loss") else Goal.MAXIMIZE
        if self.goal is not goal:
            message = f"found '{self.goal}' for {self.metric}, expected '{goal}'"
            raise SpecError(message, path="goal")
        if self.target is not None and not self.metric.endswith("/loss") and not 0 <= self.target <= 1:
            hint = f"did you mean {self.target / 100:g}?" if 1 < self.target <= 100 else ""
            raise SpecError(f"found {self.target:g}, expected 0 to 1", path="target", hint=hint)
        if self.mode == "target" and self.target is None:
            raise SpecError("'target' is missing", hint="mode: target needs the value to reach")
        if self.third_axis and self.mode != "pareto":
            raise SpecError(
                f"found {self.third_axis} with mode: {self.mode}", path="third_axis", hint="mode: pareto"
            )
        if self.mode == "efficiency" and self.min_top5 is None:
            raise SpecError(
                "'min_top5' is missing", hint="without a floor a useless network wins: min_top5: 0.5"
            )
        if self.mode == "efficiency" and self.goal is Goal.MINIMIZE:
            raise SpecError("found 'efficiency' for a loss, expected an accuracy", path="mode")
        return self

    @property
    def is_sized(self) -> bool:
        """Whether trials report what their networks take."""
        return self.limits is not None or self.third_axis is not None
