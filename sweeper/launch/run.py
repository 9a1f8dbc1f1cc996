"""From a sweep file to a running sweep: create or reopen its folder, prepare its images, drive it."""

import dataclasses
import functools
import json
import secrets
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from sweeper.config.run_options import RunOptions
from sweeper.config.sections import ResourcesSpec
from sweeper.config.spec import SweepSpec, restore_spec
from sweeper.cost.prices import GpuPrice, PriceBook, load_prices
from sweeper.data.dataset import open_dataset, open_source
from sweeper.data.prepare import prepare
from sweeper.launch.driver import Driver, Ending
from sweeper.plan.plan import Plan, Refusal, image_variants
from sweeper.results.published_comparison import published_trials
from sweeper.runners import Runner, Workload, runner
from sweeper.runners.parts.synthetic_curves import SyntheticCurves
from sweeper.runners.simulated import VirtualClock
from sweeper.store.attempt import Grant
from sweeper.store.events import AttemptStarted, Event, FinalBegun, SearchEnded
from sweeper.store.history import SweepHistory, TrialHistory
from sweeper.store.outbox import sweep_row
from sweeper.store.paths import SweepPaths, cache_root
from sweeper.store.record import Record
from sweeper.sweep.ranking import best_of
from sweeper.sweep.sweep import Sweep
from sweeper.trackers import Target, tracker
from sweeper.trackers.address import tracking_uri
from sweeper.trackers.console import Console, open_console
from sweeper.trackers.sender import Sender
from sweeper.training.device import default_device, device_name
from sweeper.training.loop import final_score
from sweeper.training.recipe import compose
from sweeper.training.trial_workload import Training, open_for

DECODING_SECONDS = 10.0
PACKAGES = ("sweeper", "torch", "torchvision", "ray", "optuna", "mlflow", "pyarrow")


def create(
    spec: SweepSpec, paths: SweepPaths, plan: Plan, known: Sequence[Event] = (), quote: str = ""
) -> Record:
    """The sweep's folder with its resolved file and a new record; StateError where there is one.

    `known` is what earlier sweeps found out, `quote` what the sweep was expected to cost, as JSON.
    """
    sweep_id = secrets.token_hex(6)
    meta = {
        "sweep_id": sweep_id,
        "name": spec.name,
        "spec": json.dumps(spec.resolved()),
        "spec_digest": spec.digest,
        "overrides": json.dumps(list(spec.overrides)),
        "data_digest": plan.facts.digest,
        "channels": str(plan.facts.channels),
        "classes": json.dumps(list(plan.facts.classes)),
        "images": json.dumps(dict(zip(plan.facts.classes, plan.facts.per_class, strict=True))),
        "git_revision": _git_revision(),
        "versions": json.dumps({name: version(name) for name in PACKAGES}),
        "quote": quote,
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
    record = Record.create(paths.record, meta)
    record.append(*known, outbox=[sweep_row(spec, sweep_id, meta["git_revision"])])
    write_resolved(spec, paths, meta)
    return record


def reopen(paths: SweepPaths) -> tuple[SweepSpec, Record]:
    """The sweep as it was created, whatever became of the file it was launched from."""
    record = Record.open(paths.record)
    return restore_spec(json.loads(record.meta["spec"]), name=str(paths.spec)), record


def anchored(spec: SweepSpec) -> SweepSpec:
    """The same sweep with the images' folder as an absolute path, which workers need."""
    if spec.dataset.root is None or "://" in spec.dataset.root:
        return spec
    root = str(Path(spec.dataset.root).expanduser().absolute())
    return spec.model_copy(update={"dataset": spec.dataset.model_copy(update={"root": root})})


def drive(spec: SweepSpec, record: Record, paths: SweepPaths, plan: Plan, where: RunOptions) -> Ending:
    """Run what is left of the sweep. The caller holds the lease."""
    console = open_console(spec.objective.metric, is_quiet=where.is_quiet)
    validate_config = Refusal(spec, plan.facts)
    try:
        if where.runner == "simulated":
            clock = VirtualClock()
            sweep = Sweep(spec, record, clock=clock, validate_config=validate_config)
            build = runner["simulated"](clock=clock, workers=where.cpus or 1)
            return _driven(sweep, record, paths, console, where, build, _curves(spec), conclude=lambda: None)
        sweep = Sweep(spec, record, validate_config=validate_config)
        _prepare(spec, sweep, plan, console)
        metric = spec.objective.metric
        held = spec.resources if where.runner == "ray_tune" else ResourcesSpec()
        workload = Training(spec.dataset, spec.train, metric, cache_root(), paths.checkpoints, held)
        build = _runner(spec, paths, where, console.note)
        conclude = functools.partial(test_chosen, sweep, workload)
        return _driven(sweep, record, paths, console, where, build, workload, conclude)
    finally:
        record.close()


def _driven(
    sweep: Sweep,
    record: Record,
    paths: SweepPaths,
    console: Console,
    where: RunOptions,
    build: Runner,
    workload: Workload,
    conclude: Callable[[], None],
) -> Ending:
    sender = _sender(sweep.spec, record, paths)
    driver = Driver(sweep, record, paths, console, sender, where.metrics)
    sweep.listen(driver.heard)
    sweep.listen(Announcer(sweep.spec, console.note))
    if sweep.history.known:
        names = ", ".join(sweep.spec.search.warm_start)
        console.note(f"the search begins with {len(sweep.history.known)} results of {names}")
    driver.drive(build, workload, conclude)
    return driver.finish()


class Announcer:
    """Says once what a user should know of a running sweep: why the search ended, which limit cannot hold."""

    def __init__(self, spec: SweepSpec, say: Callable[[str], None]) -> None:
        self._spec = spec
        self._say = say
        self._is_price_missed = False

    def __call__(self, event: Event, history: SweepHistory) -> None:
        """A listener of the sweep's."""
        if isinstance(event, SearchEnded):
            self._say(f"the search is over: {history.enough}")
        elif isinstance(event, FinalBegun):
            seeds = self._spec.final.seeds if self._spec.final else 0
            self._say(f"final: the best {len(history.finalists)} are trained in full with {seeds} seeds more")
        elif isinstance(event, AttemptStarted) and self._spec.budget.usd and not self._is_price_missed:
            self._is_price_missed = event.grant.usd_per_hour is None
            if self._is_price_missed:
                self._say(
                    f"budget.usd cannot hold: nobody knows what {event.grant.device} on "
                    f"{event.grant.node} costs (--usd-per-gpu-hour says it)"
                )


def _curves(spec: SweepSpec) -> SyntheticCurves:
    return SyntheticCurves(spec.space, spec.train.epochs, spec.objective.metric, spec.search.seed)


class Decoding:
    """Says how far the decoding is, every ten seconds at most: thousands of photos take minutes, once."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._said = clock()

    def __call__(self, done: int, total: int) -> None:
        """So many images of all are decoded."""
        if self._clock() - self._said >= DECODING_SECONDS:
            self._said = self._clock()
            self._console.note(f"decoding images, once for all trials: {done:,} of {total:,}")


def _prepare(spec: SweepSpec, sweep: Sweep, plan: Plan, console: Console) -> None:
    """Decode the images and fit the statistics once, booked to the sweep and not to its first trial."""
    since = time.monotonic()
    cache = cache_root()
    prepare(open_source(spec.dataset), plan.pixels, cache, Decoding(console))
    for pixels, name in image_variants(spec):
        open_dataset(spec.dataset, pixels=pixels, normalization=name, cache=cache)
    seconds = time.monotonic() - since
    sweep.book("image stores and statistics", seconds)
    counts = plan.facts.per_split
    console.note(
        f"images ready in {seconds:.1f} s: {counts['train']} to train, {counts['valid']} to validate, "
        f"{counts['test']} kept for the test, {len(plan.facts.classes)} classes"
    )


def test_chosen(sweep: Sweep, workload: Training) -> None:
    """Open the test split for those that `objective.test` names: each once, whatever is resumed.

    The winner is chosen before, on the validation split; what is read here chooses nothing.
    """
    goal = sweep.spec.objective.goal
    winner = best_of(sweep.history, goal)
    chosen = [] if winner is None else [winner]
    if sweep.spec.objective.test == "points":
        chosen += [trial for trial in published_trials(sweep.spec, sweep.history) if trial is not winner]
    for trial in chosen:
        best = trial.best(goal)
        if best is not None and best.checkpoint is not None and not trial.test:
            _test(sweep, workload, trial, Path(best.checkpoint))


def _test(sweep: Sweep, workload: Training, trial: TrialHistory, checkpoint: Path) -> None:
    since = time.monotonic()
    recipe = compose(trial.config, workload.train)
    dataset = open_for(recipe, workload.dataset, workload.cache)
    metrics = final_score(checkpoint, dataset, recipe, device=default_device())
    sweep.book("final test", time.monotonic() - since)
    sweep.tested(trial.id, metrics)


def _runner(spec: SweepSpec, paths: SweepPaths, where: RunOptions, say: Callable[[str], None]) -> Runner:
    book = load_prices(usd_per_gpu_hour=where.usd_per_gpu_hour, instance=where.instance)
    if where.runner == "local":
        return runner["local"](grant=_this_device(book))

    def price(said: Mapping[str, Any]) -> GpuPrice | None:
        return book.of_node(said.get("labels", {}))

    return runner["ray_tune"](
        resources=spec.resources,
        state=paths.tune,
        log=paths.log,
        address=where.address,
        cpus=where.cpus,
        price=price,
        say=say,
    )


def _this_device(book: PriceBook) -> Grant:
    """What a trial holds that runs in this process: the whole GPU, or a CPU slot where there is none."""
    name, quote = device_name(default_device()), book.of_node({})
    grant = Grant(device=name or "cpu", is_gpu=bool(name))
    if quote is None:
        return grant
    told = {"price_source": quote.source, "price_date": quote.date, "market": quote.market}
    return dataclasses.replace(grant, usd_per_hour=quote.usd_per_gpu_hour, **told)


def _sender(spec: SweepSpec, record: Record, paths: SweepPaths) -> Sender:
    target = target_of(spec, record, paths)
    return Sender(lambda: Record.open(paths.record), lambda: tracker["mlflow"](target))


def target_of(spec: SweepSpec, record: Record, paths: SweepPaths) -> Target:
    """Where MLflow's copy of the sweep goes."""
    return Target(
        uri=tracking_uri(spec.tracking.uri, paths.mlflow),
        experiment=spec.tracking.experiment or spec.name,
        sweep_id=record.meta["sweep_id"],
        metric=spec.objective.metric,
        is_maximized=spec.objective.goal == "maximize",
        note=spec.description,
    )


def write_resolved(spec: SweepSpec, paths: SweepPaths, meta: Mapping[str, str]) -> None:
    """The sweep as a file for people, who may launch another from it; the record is what is read back."""
    lines = [
        f"# {key}: {meta.get(key, '')}"
        for key in ("created", "git_revision", "versions", "data_digest", "overrides")
    ]
    text = "\n".join(lines) + "\n" + yaml.safe_dump(spec.resolved(), sort_keys=False)
    aside = paths.spec.with_suffix(".part")
    aside.write_text(text, encoding="utf-8")
    aside.replace(paths.spec)


def _git_revision() -> str:
    """The revision of the working directory, empty outside a repository or without git."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
