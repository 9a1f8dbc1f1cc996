"""What a root holds before there is a sweep file: which source reads it, and what that source makes of it."""

from dataclasses import dataclass
from pathlib import Path

from sweeper.data.archive import is_archive
from sweeper.data.sources import Source, source
from sweeper.data.sources.parts.looks_like import looks_like
from sweeper.errors import DataError, SpecError
from sweeper.registry import nearest


@dataclass(frozen=True, slots=True)
class FirstLook:
    """The source and the root to write into a sweep file, and lines for whoever gave the root."""

    source: str
    root: Path | None
    said: tuple[str, ...] = ()


def first_look(root: Path | None, named: str | None = None) -> FirstLook:
    """Look at a root and open its source; `named` is a source that somebody chose.

    Without a root it is the digits. SpecError for a root that is not there or that no source reads; what
    the source itself refuses is said and left to whoever edits the file.
    """
    if root is None:
        return FirstLook(named or "digits", None)
    _refuse_no_root(root)
    if named:
        return FirstLook(named, root, (_opened(named, root),))
    found = looks_like(root)
    if not found.source:
        raise SpecError(
            "is neither a folder nor a Parquet file",
            where=f"--root {root}",
            hint="name the folder of the images",
        )
    what = f"found {found.said}" if found.said else f"taken for {found.source}"
    moved = f" in {found.root}" if found.root != root else ""
    return FirstLook(found.source, found.root, (f"{what}{moved}", _opened(found.source, found.root)))


def _refuse_no_root(root: Path) -> None:
    if not root.exists():
        near = [each.name for each in root.parent.iterdir()] if root.parent.is_dir() else []
        raise SpecError("there is no such folder", where=f"--root {root}", hint=nearest(root.name, near))
    if is_archive(root):
        hint = f"unpack it with: sweeper data fetch {root}"
        raise SpecError("is an archive", where=f"--root {root}", hint=hint)


def _opened(name: str, root: Path) -> str:
    """Return what the source makes of the root, or why it refuses."""
    if name not in source:
        return f"source {name!r} is not looked into"
    try:
        opened: Source = source[name](root)
        counts = f"{len(opened.items):,} images of {len(opened.classes):,} classes"
    except DataError as error:
        return f"these images cannot be used yet: {error}"
    return "; ".join([counts, *filter(None, [opened.layout]), *opened.notes])
