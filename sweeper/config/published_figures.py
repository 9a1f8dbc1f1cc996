"""Reads the figures that a study printed, with which a point of a sweep is compared."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sweeper.config.problem import problems
from sweeper.errors import SpecError

Share = Annotated[float, Field(ge=0, le=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Figures(_Frozen):
    """The scores that the study reached on one split; accuracies are fractions."""

    top1: Share | None = None
    top5: Share | None = None
    loss: Annotated[float, Field(ge=0)] | None = None


class Published(_Frozen):
    """Figures as printed. `seconds` are those of the whole training on the study's machine.

    `counted` are parameters that follow from the layers given, where none were printed.
    """

    test: Figures = Figures()
    valid: Figures = Figures()
    parameters: Annotated[int, Field(ge=1)] | None = None
    counted: Annotated[int, Field(ge=1)] | None = None
    seconds: Annotated[float, Field(gt=0)] | None = None
    seconds_per_epoch: Annotated[float, Field(gt=0)] | None = None

    @property
    def has_test(self) -> bool:
        """Whether it has a figure of the test split."""
        return self.test != Figures()


def published_of(point: Mapping[str, Any]) -> Published | None:
    """Read the figures that a point of the sweep file carries; SpecError for one that is none."""
    written = point.get("published")
    if written is None:
        return None
    try:
        return Published.model_validate(written)
    except ValidationError as error:
        first = problems(error, written, Published)[0]
        path = f"published.{first.path}".rstrip(".")
        raise SpecError(first.problem, path=path, hint=first.hint) from error
