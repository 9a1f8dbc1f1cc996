"""Keeps timed epochs in the cache: one file for each set of images and each device."""

import contextlib
import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sweeper.cost import Timing, Work
from sweeper.files import write_atomically
from sweeper.trial import Config, canonical

VERSION = 1
OLD_DAYS = 90
"""Days after which a timing is no longer believed: drivers, libraries and neighbors have changed."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One timed configuration: what it computed, and the seconds of it."""

    config: Config
    timing: Timing


def probes_path(cache: Path, data_digest: str, device: str) -> Path:
    """Return the file of the timings of these images on this device."""
    key = hashlib.sha256(f"{data_digest}\n{device}".encode()).hexdigest()[:20]
    return cache / "probes" / f"{key}.json"


def keep(path: Path, probes: Sequence[Probe], *, device: str, libraries: str) -> None:
    """Add timings to the file; the newer of two timings of one configuration stays."""
    merged = {canonical(probe.config): probe for probe in (*read(path, libraries=libraries), *probes)}
    document = {
        "version": VERSION,
        "device": device,
        "libraries": libraries,
        "at": time.time(),
        "probes": [asdict(probe) for probe in merged.values()],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(document))


def read(path: Path, *, libraries: str) -> tuple[Probe, ...]:
    """Read the timings; none from a file that is absent, damaged, old, or of other library versions."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        document = json.loads(path.read_text(encoding="utf-8"))
        is_young = 0 <= time.time() - document["at"] < OLD_DAYS * 86_400
        if document["version"] == VERSION and document["libraries"] == libraries and is_young:
            return tuple(_probe(row) for row in document["probes"])
    return ()


def _probe(row: Any) -> Probe:
    timing = row["timing"]
    seconds = float(timing["seconds"])
    if not 0 < seconds < float("inf"):
        raise ValueError("a timing is not a duration")
    return Probe(dict(row["config"]), Timing(Work(**timing["work"]), seconds))
