"""What a sweep file says otherwise than the sweep was launched with, and which command makes it so."""

import json
from collections.abc import Sequence
from pathlib import Path

import click
import yaml

from sweeper.config.spec import SweepSpec, load_spec, restore_spec
from sweeper.errors import SpecError, StateError
from sweeper.launch.extend import WIDER, differences
from sweeper.store.paths import SweepPaths
from sweeper.store.record import Record

SHOWN, LENGTH = 20, 160
"""Lines that are shown, and characters of each: a list of points can fill pages."""


def refuse_edited(paths: SweepPaths, spec: SweepSpec) -> None:
    """SpecError, behind one line a difference, where the sweep's own file no longer says `spec`."""
    if not paths.spec.is_file() or _says(paths.spec, spec):
        return
    changed = differences(spec, load_spec(paths.spec))
    if not changed:
        return
    for line in shortened(changed, SHOWN):
        click.echo(f"  {line}", err=True)
    raise SpecError(
        f"edited since the sweep was launched, in {_counted(changed)}",
        where=str(paths.spec),
        hint=f"{_way(changed, paths)}; delete sweep.yaml, a copy for people, to go on as launched",
    )


def differs_from_launched(paths: SweepPaths, spec: SweepSpec) -> list[str]:
    """What a file says otherwise than the sweep of that name; nothing where its record cannot be read."""
    try:
        record = Record.open(paths.record)
        launched = restore_spec(json.loads(record.meta["spec"]), name=str(paths.spec))
        record.close()
    except (StateError, KeyError, ValueError):
        return []
    return differences(launched, _anchored_like(launched, spec))


def shortened(lines: Sequence[str], most: int) -> list[str]:
    """The first few, none of them longer than a terminal bears."""
    shown = [line if len(line) <= LENGTH else f"{line[:LENGTH]} ..." for line in lines[:most]]
    return [*shown, f"and {len(lines) - most} more"] if len(lines) > most else shown


def extension(lines: Sequence[str], name: str) -> str:
    """`sweeper extend toy --budget trials=50`, where that is all that they ask for; "" otherwise."""
    words = [_extending(line) for line in lines]
    return " ".join(["sweeper extend", name, *words]) if words and all(words) else ""


def _extending(line: str) -> str:
    """The option of `sweeper extend` for a larger limit or a wider range; "" for any other change."""
    path, _, change = line.partition(": ")
    section, _, key = path.partition(".")
    before, _, after = change.partition(" -> ")
    if section == "parameters" and key.rpartition(".")[2] in WIDER:
        return f"--widen {key}={after.replace(' ', '')}"
    try:
        is_larger = section == "budget" and float(after) > float(before)
    except ValueError:  # a limit that came or went
        return ""
    return f"--budget {key}={after}" if is_larger and key != "max_failed" else ""


def _way(lines: Sequence[str], paths: SweepPaths) -> str:
    if command := extension(lines, paths.name):
        return f"`{command}` asks for the same"
    return f"`sweeper launch {paths.spec} -o name=NEW` starts another sweep"


def _says(file: Path, spec: SweepSpec) -> bool:
    """Whether the file is, but for its comments, what sweeper wrote: then it need not be understood."""
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith("#"))
    return text == yaml.safe_dump(spec.resolved(), sort_keys=False)


def _anchored_like(launched: SweepSpec, spec: SweepSpec) -> SweepSpec:
    """A launched sweep names its images by an absolute path, a file as its author likes."""
    root, anchored = spec.dataset.root, launched.dataset.root
    if root is None or anchored is None or str(Path(root).expanduser().absolute()) != anchored:
        return spec
    return spec.model_copy(update={"dataset": spec.dataset.model_copy(update={"root": anchored})})


def _counted(lines: Sequence[str]) -> str:
    return "one place" if len(lines) == 1 else f"{len(lines)} places"


def refuse_existing(paths: SweepPaths, spec: SweepSpec | None = None) -> None:
    """StateError where a sweep of that name exists: nothing is ever overwritten.

    `spec` is what would be launched: the message says in what it differs from the sweep that exists.
    """
    if not paths.record.exists() and not paths.copy.exists():
        return
    changed = differs_from_launched(paths, spec) if spec else []
    said = f", and differs from this file in {'; '.join(shortened(changed, 3))}" if changed else ""
    command = extension(changed, paths.name) or f"sweeper resume {paths.name}"
    raise StateError(
        f"a sweep called {paths.name!r} exists already{said}",
        where=str(paths.root),
        hint=f"`{command}` goes on with it, `-o name=NEW` starts another",
    )
