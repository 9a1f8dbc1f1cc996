"""`sweeper resume`: go on with a sweep that was stopped."""

import json
from collections.abc import Mapping

import click

from sweeper.cli.parts.changes import refuse_edited
from sweeper.cli.parts.options import sweep_name
from sweeper.cli.parts.runner_options import where_options, with_metrics
from sweeper.config.run_options import RunOptions
from sweeper.errors import DataError, StateError
from sweeper.results.stored_sweep import StoredSweep, find, read
from sweeper.store import lease
from sweeper.store.paths import cache_root


@click.command(epilog="Example:  sweeper resume digits")
@sweep_name
@where_options
@click.option("--takeover", is_flag=True, help="End whoever runs the sweep now, and go on in its place.")
@click.option("--images", type=click.Path(), help="Where the images lie here, if not where they lay before.")
def command(sweep: str, where: RunOptions, takeover: bool, images: str | None) -> int:
    """Go on with SWEEP where it stopped: trials continue from their last checkpoints.

    It runs as it was launched. Its folder is all that it needs, on this machine or another; where the
    record was lost, its copy is gone on from.
    """
    paths = find(sweep)
    if takeover:
        lease.take_over(paths.root)
    lease.refuse_if_owned(paths.root)

    # behind the check for a running sweep, because they take seconds: torch, Optuna
    from sweeper.cli.parts.check_plugins import check_plugins
    from sweeper.cli.parts.ending import run
    from sweeper.launch.recovery import moved, recover, remember, tell_a_new_store
    from sweeper.launch.run import reopen
    from sweeper.plan.plan import make_plan

    with lease.held(paths.root):
        if said := recover(paths):
            click.echo(said, err=True)
        told = read(paths)
        refuse_edited(paths, told.spec)
        _check_unfinished(told)
        spec, record = reopen(paths)
        if images:
            spec = moved(spec, images)
        check_plugins(spec)
        plan = make_plan(spec, cache_root())
        found = dict(zip(plan.facts.classes, plan.facts.per_class, strict=True))
        _check_images(sweep, record.meta, plan.facts.digest, found)
        if images:
            remember(spec, record, paths)
        tell_a_new_store(spec, record, paths)
        return run(spec, record, paths, plan, with_metrics(where))


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
