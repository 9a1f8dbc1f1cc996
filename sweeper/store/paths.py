"""This module knows where a sweep keeps its state: the files of `runs/<sweep>/`."""

import os
from dataclasses import dataclass
from pathlib import Path

from sweeper.config.sections import safe_name
from sweeper.errors import SpecError, StateError
from sweeper.registry import nearest

_RECORDS = ("record.db", "record.copy.db")


def runs_root() -> Path:
    """Return `$SWEEPER_RUNS`, else `runs` in the working directory."""
    return Path(os.environ.get("SWEEPER_RUNS") or "runs").absolute()


def cache_root() -> Path:
    """Return the folder of what can be built again: `$SWEEPER_CACHE`, else `sweeper` in the user's cache.

    The user's cache is `$XDG_CACHE_HOME`, else `~/.cache`.
    """
    if configured := os.environ.get("SWEEPER_CACHE"):
        return Path(configured).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "sweeper"


def sweep_names(runs: Path | None = None) -> list[str]:
    """The sweeps in `runs`, by name, with each folder that this user may not look into: it may be one.

    StateError where `runs` itself cannot be listed.
    """
    root = runs or runs_root()
    try:
        return sorted(folder.name for folder in root.iterdir() if _may_hold_a_sweep(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        hint = "name another folder: SWEEPER_RUNS=/another/folder"
        raise StateError(f"cannot be listed ({error.strerror})", where=str(root), hint=hint) from error


def _may_hold_a_sweep(folder: Path) -> bool:
    try:
        return any(_is_there(folder / name) for name in _RECORDS)
    except PermissionError:
        return True


def _is_there(path: Path) -> bool:
    """Whether there is something, a link that leads nowhere too; PermissionError where nobody can tell."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class SweepPaths:
    """The files of one sweep. Nothing here touches the disk."""

    root: Path

    @classmethod
    def of(cls, name: str, runs: Path | None = None) -> "SweepPaths":
        """Return the paths of the sweep called `name`; a name that could leave `runs` is refused."""
        return cls((runs or runs_root()) / safe_name(name))

    @property
    def name(self) -> str:
        """The sweep's name, which is its folder's."""
        return self.root.name

    @property
    def spec(self) -> Path:
        """The resolved sweep file."""
        return self.root / "sweep.yaml"

    @property
    def record(self) -> Path:
        """The log, from which everything else can be built again."""
        return self.root / "record.db"

    @property
    def copy(self) -> Path:
        """A copy of the record, some minutes old at most, for a resume where the record itself is lost."""
        return self.root / "record.copy.db"

    @property
    def checkpoints(self) -> Path:
        """One folder a trial."""
        return self.root / "checkpoints"

    @property
    def tune(self) -> Path:
        """Ray Tune's own state, which is never read back."""
        return self.root / "tune"

    @property
    def log(self) -> Path:
        """What Ray and the workers print."""
        return self.root / "sweeper.log"

    @property
    def front(self) -> Path:
        """The answer's picture: score against cost."""
        return self.root / "front.svg"

    @property
    def report(self) -> Path:
        """The page about the sweep that people pass on."""
        return self.root / "report.html"

    @property
    def anytime(self) -> Path:
        """The picture beside it: the best score against what was spent."""
        return self.root / "anytime.svg"

    @property
    def mlflow(self) -> Path:
        """MLflow's embedded store, shared by every sweep beside this one."""
        return self.root.parent / "mlflow.db"


def find(name: str) -> SweepPaths:
    """Return where the sweep of that name lies; SpecError with the nearest name where there is none."""
    names = sweep_names()
    if name not in names:
        hint = nearest(name, names) if names else f"{runs_root()} holds none, `sweeper launch` starts one"
        raise SpecError(f"no sweep is called {name!r}", hint=hint)
    return SweepPaths.of(name)
