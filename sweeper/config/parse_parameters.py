"""How a sweep file writes a parameter: the grammar of W&B sweeps, with `when` and `per` added."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sweeper.config.parameter import (
    Choice,
    Condition,
    Constant,
    FloatRange,
    IntRange,
    Parameter,
    Value,
    is_same,
)
from sweeper.config.problem import problems, show
from sweeper.errors import SpecError, together

MAX_STEPS = 100_000  # numbers on a range's grid: more than any search could tell apart
LARGEST = 2**53  # whole numbers beyond it lose their last digit in JSON and in floats

Distribution = Literal[
    "constant",
    "categorical",
    "uniform",
    "int_uniform",
    "q_uniform",
    "log_uniform_values",
    "q_log_uniform_values",
]
_NEEDS: Mapping[str, str] = {"constant": "value", "categorical": "values"}
_REPLACED: Mapping[str, str] = {
    "log_uniform": "log_uniform_values (min and max are the values, not exponents)",
    "q_log_uniform": "q_log_uniform_values (min and max are the values, not exponents)",
    "inv_log_uniform_values": "log_uniform_values",
    "normal": "uniform with min and max",
    "q_normal": "q_uniform with min and max",
    "log_normal": "log_uniform_values with min and max",
    "q_log_normal": "q_log_uniform_values with min and max",
}


class ParameterSpec(BaseModel):
    """One parameter as written: exactly one of `value`, `values`, or `min` with `max`."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    value: Any = None
    """One fixed value."""
    values: list[Any] | None = Field(None, min_length=1, max_length=500)
    """The values to choose from."""
    min: int | float | None = None
    """Least value of a range. Whole `min` and `max` give whole numbers."""
    max: int | float | None = None
    """Greatest value of a range."""
    distribution: Distribution | None = None
    """How a range is drawn from; left out, it follows from the other keys."""
    q: Annotated[int | float, Field(gt=0)] | None = None
    """Step of a range, counted from `min`."""
    when: dict[str, Condition] | None = None
    """The parameter exists only while these others have one of these values."""
    per: str | None = None
    """A list with one value for each of what this whole-number parameter counts (`per: layers`)."""


def parse_parameter(raw: object) -> Parameter:
    """Return the parameter that a sweep file means.

    A bare value or list is shorthand for `value` or `values`.
    """
    if isinstance(raw, Constant | Choice | IntRange | FloatRange):
        return raw
    if raw is None:
        raise SpecError("found nothing, expected a value, a list of values, or min and max")
    written = raw if isinstance(raw, dict) else {"values" if isinstance(raw, list) else "value": raw}
    _refuse_unsupported(written.get("distribution"))
    try:
        spec = ParameterSpec.model_validate(written)
    except ValidationError as error:
        raise together(problems(error, written, ParameterSpec)) from error
    kind = _kind(spec)
    _check_distribution(spec, kind)
    if "value" in spec.model_fields_set:
        return Constant(value=_json(spec.value, "value"), when=spec.when, per=spec.per)
    if "values" in spec.model_fields_set:
        return Choice(values=_distinct(spec.values or []), when=spec.when, per=spec.per)
    return _range(spec)


def write_parameter(parameter: Parameter) -> dict[str, Any]:
    """Write the parameter as a sweep file does: `parse_parameter` gives the same one back."""
    written: dict[str, Any]
    if isinstance(parameter, Constant):
        written = {"value": parameter.value}
    elif isinstance(parameter, Choice):
        written = {"values": list(parameter.values)}
    else:
        written = {"min": parameter.low, "max": parameter.high, "distribution": _distribution(parameter)}
        if written["distribution"].startswith("q_"):
            written["q"] = parameter.step
    if parameter.when:
        written["when"] = {name: list(values) for name, values in parameter.when.items()}
    return written | ({"per": parameter.per} if parameter.per else {})


def _distribution(parameter: IntRange | FloatRange) -> Distribution:
    if parameter.log:
        has_steps = parameter.step is not None
        return "q_log_uniform_values" if has_steps else "log_uniform_values"
    if isinstance(parameter, IntRange) and parameter.step == 1:
        return "int_uniform"
    return "uniform" if parameter.step is None else "q_uniform"


def _refuse_unsupported(distribution: object) -> None:
    if isinstance(distribution, str) and distribution in _REPLACED:
        problem = f"the distribution {distribution!r} is not supported"
        raise SpecError(problem, path="distribution", hint=f"use {_REPLACED[distribution]}")


def _kind(spec: ParameterSpec) -> str:
    """Return `value`, `values` or `range`: exactly one of them must be written."""
    written = spec.model_fields_set
    kinds = [each for each in ("value", "values") if each in written]
    kinds += ["min and max"] if written & {"min", "max", "q"} else []
    if len(kinds) > 1:
        raise SpecError(f"{' and '.join(kinds)} exclude each other", hint="keep one of them")
    if not kinds:
        raise SpecError("no values are given", hint="give value, values, or min and max")
    for end in ("min", "max"):
        if kinds[0] == "min and max" and getattr(spec, end) is None:
            raise SpecError(f"{end!r} is missing", hint="a range has min and max")
    return "range" if kinds[0] == "min and max" else kinds[0]


def _check_distribution(spec: ParameterSpec, kind: str) -> None:
    if spec.distribution is None:
        return
    needed = _NEEDS.get(spec.distribution, "range")
    if needed != kind:
        wanted = "min and max" if needed == "range" else needed
        raise SpecError(f"{spec.distribution!r} needs {wanted}", path="distribution")
    if spec.distribution.startswith("q_") and spec.q is None and needed == "range":
        raise SpecError(f"{spec.distribution!r} needs a step", path="distribution", hint="add q")


def _range(spec: ParameterSpec) -> IntRange | FloatRange:
    low, high = spec.min or 0, spec.max or 0
    is_log = "log" in (spec.distribution or "")
    if low > high:
        raise SpecError(f"found {low:g}, which is greater than max ({high:g})", path="min")
    if max(abs(low), abs(high)) > LARGEST:
        raise SpecError(f"{max(low, high, key=abs):g} is beyond 2^53, where numbers lose digits", path="max")
    if is_log and low <= 0:
        raise SpecError(f"found {low:g}, expected more than 0 on a logarithmic scale", path="min")
    _check_step(spec, high - low)
    common = {"when": spec.when, "per": spec.per, "log": is_log}
    numbers = [number for number in (spec.min, spec.max, spec.q) if number is not None]
    is_whole = all(isinstance(number, int) for number in numbers)
    if spec.distribution == "int_uniform" and not is_whole:
        found = ", ".join(f"{number:g}" for number in numbers)
        raise SpecError(f"'int_uniform' needs whole numbers, found {found}", path="distribution")
    if is_whole and (spec.q is not None or spec.distribution in (None, "int_uniform")):
        return IntRange.model_validate({"low": low, "high": high, "step": spec.q or 1, **common})
    step = None if spec.q is None else float(spec.q)
    return FloatRange.model_validate({"low": float(low), "high": float(high), "step": step, **common})


def _check_step(spec: ParameterSpec, width: float) -> None:
    if spec.q is None:
        return
    if spec.distribution in ("uniform", "log_uniform_values"):
        raise SpecError(f"{spec.distribution!r} has no step", path="q", hint=f"use q_{spec.distribution}")
    if width and spec.q > width:
        raise SpecError(f"found {spec.q:g}, which is larger than the range ({width:g})", path="q")
    if width / spec.q > MAX_STEPS:
        raise SpecError(f"found {spec.q:g}, which makes more than {MAX_STEPS:,} steps", path="q")


def _distinct(values: list[Value]) -> tuple[Value, ...]:
    for index, value in enumerate(values):
        _json(value, f"values.{index}")
        if any(is_same(value, other) for other in values[:index]):
            raise SpecError(f"{show(value)} stands twice", path=f"values.{index}")
    return tuple(values)


def _json(value: Value, where: str) -> Value:
    """Return the value if a configuration can hold it: no mapping, no infinity."""
    if isinstance(value, dict):
        raise SpecError("found keys with values, expected one value or a list", path=where)
    if isinstance(value, float) and not -LARGEST <= value <= LARGEST:
        raise SpecError(f"found {value}, expected a number of at most 2^53", path=where)
    for index, inner in enumerate(value if isinstance(value, list) else []):
        _json(inner, f"{where}.{index}")
    return value
