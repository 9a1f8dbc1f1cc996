"""Which checkpoints a trial's folder holds, by their names: told without torch, which reads them."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

_NAME = re.compile(r"epoch-(\d{4,})\.(\d+)")


def checkpoints_in(root: Path) -> Iterator[tuple[int, int, Path]]:
    """Yield the epoch, the attempt and the path of each checkpoint, in no order."""
    if root.is_dir():
        for path in root.iterdir():
            if named := _NAME.fullmatch(path.name):
                yield int(named[1]), int(named[2]), path


def epoch_of(checkpoint: Path | None) -> int:
    """Return the epoch after which a checkpoint was written, by its name; 0 where there is none."""
    named = _NAME.fullmatch(checkpoint.name) if checkpoint else None
    return int(named[1]) if named else 0


def written(root: Path) -> dict[int, Path]:
    """Return the checkpoint of each epoch that has one, as its newest attempt left it."""
    return {epoch: path for epoch, _, path in sorted(checkpoints_in(root))}


def checkpoint_after(epoch: int, *roots: Path) -> Path | None:
    """Return the checkpoint of an epoch from the first of the folders that has one."""
    return next((found[epoch] for root in roots if epoch in (found := written(root))), None)


def hand_over(root: Path, attempt: int) -> None:
    """Rename the checkpoints of later attempts to `attempt`, because the record that knew of them is lost.

    Otherwise the attempt that goes on would be taken for one that was given up.
    """
    for epoch, by, path in list(checkpoints_in(root)):
        inherited = root / f"epoch-{epoch:04d}.{attempt}"
        if by > attempt and inherited.exists():
            shutil.rmtree(path, ignore_errors=True)  # the same epoch, trained again to the same numbers
        elif by > attempt:
            path.rename(inherited)
