"""This module prepares a stored sweep to go on, after a check that its images are still the same."""

import json
from collections.abc import Mapping

from sweeper.config.run_options import RunOptions
from sweeper.errors import DataError
from sweeper.launch.create import reopen, with_images_in
from sweeper.launch.recovery import remember, tell_a_new_store
from sweeper.launch.run import Launch
from sweeper.plan.plan import make_plan
from sweeper.results.stored_sweep import StoredSweep
from sweeper.store.paths import cache_root


def resumed(sweep: StoredSweep, options: RunOptions, images: str | None) -> Launch:
    """Return what is left of the sweep, to be driven; DataError for other images.

    `images` is the folder in which they lie now, which the sweep remembers, as it does the prices that the
    command line gave last.
    """
    spec, record = reopen(sweep.paths)
    if images:
        spec = with_images_in(spec, images)
    plan = make_plan(spec, cache_root())
    plan.require_weights()
    found = dict(zip(plan.facts.classes, plan.facts.per_class, strict=True))
    _check_images(sweep.paths.name, record.meta, plan.facts.digest, found)
    options = options.priced_as(record.meta.get("prices", ""))
    record.put_meta({"prices": options.prices})
    if images:
        remember(spec, record, sweep.paths)
    tell_a_new_store(spec, record, sweep.paths)
    return Launch(spec, record, sweep.paths, plan, options)


def _check_images(name: str, meta: Mapping[str, str], digest: str, now: Mapping[str, int]) -> None:
    """Raise DataError where the images changed: trials of one sweep must have seen the same images."""
    if meta["data_digest"] == digest:
        return
    then = json.loads(meta.get("images", "{}")) or dict.fromkeys(json.loads(meta["classes"]))
    raise DataError(
        f"the images are not those that the sweep began with: {_difference(then, now)}",
        where=name,
        hint="put them back, or launch a new sweep with -o name=NEW",
    )


def _difference(then: Mapping[str, int | None], now: Mapping[str, int]) -> str:
    """Return the first few classes that came, went or changed size."""
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
