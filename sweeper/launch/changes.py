"""This module compares a sweep file with what the sweep was launched with, and names the command for it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sweeper.config.spec import SweepSpec, load_spec, restore_spec
from sweeper.errors import StateError, SweeperError
from sweeper.store import lease
from sweeper.store.paths import SweepPaths
from sweeper.store.record import Record

WIDER = ("min", "max", "values")
WRITTEN = ("search.members", "search.prior")
"""What a launch writes into its record."""
LENGTH = 160
"""Characters of a change that are shown: a list of points can fill pages."""


@dataclass(frozen=True, slots=True)
class Change:
    """One value of a sweep that is to change; None stands for a value that is not there."""

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        """Return `budget.trials: 24 -> 50`, as the record keeps it of an extended sweep."""
        return f"{self.path}: {self.before} -> {self.after}"

    @property
    def option(self) -> str:
        """The option of `sweeper extend` for a larger limit or a wider range; "" for any other change."""
        section, _, key = self.path.partition(".")
        if section == "parameters" and key.rpartition(".")[2] in WIDER:
            return f"--widen {key}={str(self.after).replace(' ', '')}"
        if section != "budget" or key == "max_failed" or None in (self.before, self.after):
            return ""
        return f"--budget {key}={self.after}" if self.after > self.before else ""


def differences(before: SweepSpec, after: SweepSpec) -> list[Change]:
    """Return a change for each value that differs, in the order of the file."""
    return list(_differences(before.resolved(), after.resolved(), ""))


def shortened(changes: Sequence[Change], most: int) -> list[str]:
    """Return the first few changes in words, each no longer than a line of a terminal."""
    lines = [str(change) for change in changes[:most]]
    shown = [line if len(line) <= LENGTH else f"{line[:LENGTH]} ..." for line in lines]
    return [*shown, f"and {len(changes) - most} more"] if len(changes) > most else shown


def extension(changes: Sequence[Change], name: str) -> str:
    """Return the `sweeper extend` command that makes exactly these changes; "" where there is none."""
    options = [change.option for change in changes]
    return " ".join(["sweeper extend", name, *options]) if options and all(options) else ""


def refuse_existing(spec: SweepSpec) -> None:
    """Raise BusyError or StateError where a sweep of that name runs or exists: nothing is ever overwritten.

    The message names how the sweep to be launched differs from the one that exists.
    """
    paths = SweepPaths.of(spec.name)
    lease.refuse_if_owned(paths.root)
    if not paths.record.exists() and not paths.copy.exists():
        return
    changed = _since_launch(paths, spec)
    text = f", and differs from this file in {'; '.join(shortened(changed, 3))}" if changed else ""
    command = extension(changed, paths.name) or f"sweeper resume {paths.name}"
    ways = f"`-o name=NEW` starts another, `sweeper delete {paths.name}` removes it"
    raise StateError(
        f"a sweep called {paths.name!r} exists already{text}",
        where=str(paths.root),
        hint=f"`{command}` goes on with it, {ways}",
    )


def edits(file: Path, spec: SweepSpec) -> list[Change]:
    """Return how the sweep's own file differs from `spec`; nothing where the file is gone."""
    if not file.is_file() or _says(file, spec):
        return []
    return differences(spec, load_spec(file))


def _since_launch(paths: SweepPaths, spec: SweepSpec) -> list[Change]:
    """Return the differences from the sweep of that name; none where its record cannot be read."""
    try:
        record = Record.open(paths.record)
        launched = restore_spec(json.loads(record.meta["spec"]), name=str(paths.spec))
        record.close()
    except (SweeperError, KeyError, ValueError):
        return []
    changes = differences(launched, _anchored_like(launched, spec))
    return [change for change in changes if change.path not in WRITTEN]


def _says(file: Path, spec: SweepSpec) -> bool:
    """Say whether the file is what sweeper wrote, but for its comments: then it need not be parsed."""
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith("#"))
    return text == yaml.safe_dump(spec.resolved(), sort_keys=False)


def _anchored_like(launched: SweepSpec, spec: SweepSpec) -> SweepSpec:
    """Give the images' folder an absolute path where the launched sweep has one, so that the two compare."""
    root, anchored = spec.dataset.root, launched.dataset.root
    if root is None or anchored is None or str(Path(root).expanduser().absolute()) != anchored:
        return spec
    return spec.model_copy(update={"dataset": spec.dataset.model_copy(update={"root": anchored})})


def _differences(before: Any, after: Any, path: str) -> Iterator[Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            yield from _differences(before.get(key), after.get(key), f"{path}.{key}" if path else str(key))
    elif before != after:
        yield Change(path, before, after)
