"""The split of a store, worked out once and kept beside it: 1 s for 30,000 images, 10 ms afterwards."""

import contextlib
import hashlib
import json
from pathlib import Path

import numpy as np

from sweeper.config.sections import SplitSpec
from sweeper.data.split import SPLITS, Assignment, assign
from sweeper.data.store import Store
from sweeper.files import write_atomically
from sweeper.trial import canonical

_VERSION = 1  # raise it whenever `assign` divides differently


def kept_assignment(store: Store, spec: SplitSpec) -> Assignment:
    """As `assign`; all sizes of a source share it, because they hold the same rows."""
    key = hashlib.blake2b(f"{_VERSION}/{canonical(spec.model_dump())}".encode(), digest_size=8).hexdigest()
    path = store.path.with_name(f"split.{key}.json")
    held = _load(path, len(store.labels))
    if held is None:
        held = assign(store.rows, store.about.classes, spec)
        _save(held, len(store.labels), path)
    return held


def _load(path: Path, count: int) -> Assignment | None:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["count"] != count:
            return None
        return Assignment(
            {split: np.array(kept["rows"][split], dtype=np.int64) for split in SPLITS}, tuple(kept["notes"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _save(found: Assignment, count: int, path: Path) -> None:
    """Kept if it can be: a cache that has become read-only costs time and nothing else."""
    rows = {split: numbers.tolist() for split, numbers in found.rows.items()}
    kept = {"count": count, "rows": rows, "notes": found.notes}
    with contextlib.suppress(OSError):
        write_atomically(path, json.dumps(kept))
