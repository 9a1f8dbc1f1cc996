"""A stored sweep made ready to go on: its record put right, and nothing about it other than it was."""

import contextlib
import json
from collections.abc import Callable, Generator, Mapping

from sweeper.config.run_options import RunOptions
from sweeper.errors import DataError, StateError
from sweeper.launch.create import reopen, with_images_in
from sweeper.launch.recovery import recover, remember, tell_a_new_store
from sweeper.launch.run import Launch
from sweeper.plan.plan import make_plan
from sweeper.results.stored_sweep import StoredSweep, find, read
from sweeper.store import lease
from sweeper.store.paths import cache_root


@contextlib.contextmanager
def owned(name: str, say: Callable[[str], None]) -> Generator[StoredSweep]:
    """Own the sweep for the block; where its record was lost, its copy takes its place, and that is said."""
    paths = find(name)
    with lease.held(paths.root):
        if done := recover(paths):
            say(done)
        yield read(paths)


def resumed(told: StoredSweep, options: RunOptions, images: str | None) -> Launch:
    """What is left of the sweep, to be driven; StateError where nothing is, DataError for other images.

    `images` is the folder in which they lie now, which the sweep remembers.
    """
    _check_unfinished(told)
    spec, record = reopen(told.paths)
    if images:
        spec = with_images_in(spec, images)
    plan = make_plan(spec, cache_root())
    found = dict(zip(plan.facts.classes, plan.facts.per_class, strict=True))
    _check_images(told.paths.name, record.meta, plan.facts.digest, found)
    if images:
        remember(spec, record, told.paths)
    tell_a_new_store(spec, record, told.paths)
    return Launch(spec, record, told.paths, plan, options)


def _check_unfinished(told: StoredSweep) -> None:
    name = told.paths.name
    if told.history.closed == "budget":
        hint = f"`sweeper extend {name} --budget gpu_hours=+1` raises it, `sweeper best {name}` answers"
        raise StateError("its budget is spent", where=name, hint=hint)
    if told.history.closed == "done":
        more = f"`sweeper extend {name} --trials +20` gives it more to do"
        raise StateError("nothing left to do", where=name, hint=f"`sweeper best {name}` answers, {more}")
    if told.history.closed == "broken":
        count = told.spec.budget.max_failed
        raise StateError(
            f"each of its first {count} trials failed, so more would too",
            where=name,
            hint=f"`sweeper logs {name} 0` says why, `sweeper retry {name} --failed` tries them again",
        )


def _check_images(name: str, meta: Mapping[str, str], digest: str, now: Mapping[str, int]) -> None:
    """Trials of one sweep must have seen the same images: DataError names what is different."""
    if meta["data_digest"] == digest:
        return
    then = json.loads(meta.get("images", "{}")) or dict.fromkeys(json.loads(meta["classes"]))
    raise DataError(
        f"the images are not those that the sweep began with: {_difference(then, now)}",
        where=name,
        hint="put them back, or launch a new sweep with -o name=NEW",
    )


def _difference(then: Mapping[str, int | None], now: Mapping[str, int]) -> str:
    """The first few classes that came, went or changed size."""
    gone = [f"class {name!r} is gone" for name in then if name not in now]
    new = [f"class {name!r} is new" for name in now if name not in then]
    changed = [
        f"class {name!r} has {now[name]} images, not {count}"
        for name, count in then.items()
        if count is not None and now.get(name, count) != count
    ]
    found = gone + new + changed
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return ", ".join(found[:3]) + more or "as many in each class, but with other contents or names"
