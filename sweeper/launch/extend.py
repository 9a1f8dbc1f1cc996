"""What may change between launch and resume: a larger budget, a wider space. Everything else is refused."""

from collections.abc import Iterator, Sequence
from typing import Any

from sweeper.config.sections import BudgetSpec
from sweeper.config.spec import SweepSpec, restore_spec
from sweeper.errors import SpecError
from sweeper.registry import nearest

WIDER = ("min", "max", "values")


def extended(spec: SweepSpec, budget: Sequence[str], widen: Sequence[str]) -> SweepSpec:
    """The sweep with `gpu_hours=+10` or `trials=80` in its budget and `layers.max=6` in its space.

    SpecError for what would shrink either: trials that ran would no longer belong to the sweep.
    """
    raw = spec.resolved()
    for change in budget:
        name, value = _budget(change, raw["budget"])
        raw["budget"][name] = value
    overrides = [*_widened(widen)]
    changed = _parsed(raw, spec, overrides)
    for name, parameter in spec.parameters.items():
        for value in parameter.extremes():
            if not changed.parameters[name].accepts(value):
                raise SpecError(f"--widen: {name} no longer takes {value!r}", hint="a space can only grow")
    return changed


def differences(before: SweepSpec, after: SweepSpec) -> list[str]:
    """`budget.trials: 24 -> 50`, one line a change."""
    return list(_differences(before.resolved(), after.resolved(), ""))


def _budget(change: str, held: dict[str, Any]) -> tuple[str, float | int]:
    name, is_given, text = change.partition("=")
    if name not in BudgetSpec.model_fields or not is_given:
        raise SpecError(f"{change}: no such limit", hint=nearest(name, BudgetSpec.model_fields))
    try:
        amount = float(text)
    except ValueError as error:
        raise SpecError(f"{change}: {text!r} is no number", hint=f"write {name}=+10") from error
    before = held[name]
    if before is None:
        raise SpecError(f"{change}: the sweep has no such limit", hint="it is unlimited already")
    after = before + amount if text.startswith(("+", "-")) else amount
    if after < before:
        raise SpecError(
            f"{change}: {after:g} is less than {before:g}", hint=f"a budget can only grow: {name}=+20"
        )
    return name, int(after) if isinstance(before, int) else after


def _widened(widen: Sequence[str]) -> Iterator[str]:
    for change in widen:
        path, is_given, value = change.partition("=")
        if not is_given or path.rpartition(".")[2] not in WIDER:
            raise SpecError(f"--widen {change}: cannot be read", hint="write --widen layers.max=6")
        yield f"parameters.{path}={value}"


def _parsed(raw: dict[str, Any], spec: SweepSpec, overrides: Sequence[str]) -> SweepSpec:
    return restore_spec(raw, name=spec.name, overrides=overrides)


def _differences(before: Any, after: Any, path: str) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            yield from _differences(before.get(key), after.get(key), f"{path}.{key}" if path else str(key))
    elif before != after:
        yield f"{path}: {before} -> {after}"
