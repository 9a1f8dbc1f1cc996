"""A sweep's folder removed for good, unless somebody drives it."""

from pathlib import Path

from sweeper.errors import PreflightError
from sweeper.files import removing
from sweeper.store import lease
from sweeper.store.paths import SweepPaths


def size_of(paths: SweepPaths) -> int:
    """Bytes of all files in the sweep's folder; links count as themselves."""
    return sum(file.lstat().st_size for file in paths.root.rglob("*"))


def delete(paths: SweepPaths) -> None:
    """Remove the folder with everything in it. Links are removed and never followed; MLflow is not touched.

    BusyError, and nothing is removed, where somebody runs the sweep.
    """
    lease.refuse_if_owned(paths.root)
    try:
        with removing(paths.root) as aside:
            _refuse_late_owner(aside, paths.root)
    except OSError as error:
        problem = f"cannot be deleted ({error.strerror or error})"
        hint = "what is there may be another user's, or a link: remove it by hand"
        raise PreflightError(problem, where=str(error.filename or paths.root), hint=hint) from error


def _refuse_late_owner(aside: Path, root: Path) -> None:
    """Whoever began to drive the sweep in the moment before its folder was set aside still holds the lock."""
    if lease.owner(aside):
        raise lease.busy(root)
