"""What a sweep was made from, and the commands that repeat it."""

import json
import shlex

from sweeper.report.section import Section
from sweeper.results.card import Table, Words
from sweeper.results.leaderboard import Leaderboard
from sweeper.results.stored_sweep import standing_text
from sweeper.wording import duration_text, redacted


def provenance(board: Leaderboard) -> Section:
    """Show the sweep file, versions, git revision, the digest of the images, and the commands."""
    sweep, meta = board.sweep, board.sweep.meta
    versions = json.loads(meta.get("versions", "{}"))
    facts = {
        "state": standing_text(sweep),
        "created": meta.get("created", ""),
        "wall time": duration_text(sweep.history.wall_seconds),
        "digest of the images": meta.get("data_digest", ""),
        "digest of the sweep file": meta.get("spec_digest", ""),
        "git revision": meta.get("git_revision", "") or "not in a git checkout",
        "overrides": " ".join(json.loads(meta.get("overrides", "[]"))),
        **{f"version of {name}": str(version) for name, version in versions.items()},
        "tracking": redacted(sweep.tracking),
    }
    file = shlex.quote(str(sweep.paths.spec))
    commands = [
        f"sweeper launch {file} -o name={shlex.quote(sweep.name + '-again')}",
        f"sweeper best {sweep.name}",
    ]
    table = Table(("what", ""), [(name, value) for name, value in facts.items() if value], left=("what", ""))
    lines = [
        Words("" if number else "To repeat it", typed, "command") for number, typed in enumerate(commands)
    ]
    text = sweep.paths.spec.read_text(encoding="utf-8") if sweep.paths.spec.is_file() else ""
    return Section("provenance", "How it was made", lines=lines, tables=[table], code=text)
