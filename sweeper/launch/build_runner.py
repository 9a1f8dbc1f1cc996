"""This module builds what a sweep is run with: the chosen runner, its workload and its clock."""

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sweeper.config.run_options import RunOptions
from sweeper.config.spec import SweepSpec
from sweeper.cost.prices import GpuPrice, PriceBook, load_prices
from sweeper.launch.build_training import training_of
from sweeper.launch.choose_runner import runner_text, sharing_text, with_runner
from sweeper.runners import Runner, Workload, runner
from sweeper.runners.parts.synthetic_curves import SyntheticCurves
from sweeper.runners.parts.worker_process import WorkerProcess
from sweeper.runners.simulated import VirtualClock
from sweeper.store.attempt import Grant
from sweeper.store.ledger import Clock
from sweeper.store.paths import SweepPaths
from sweeper.training.device import default_device, device_name
from sweeper.training.trial_workload import Training

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Equipment:
    """A runner, the workload of its trials and the sweep's clock; `training` is None where nothing trains.

    `worker` is the process that a runner of one trial at a time keeps warm, until the equipment is closed.
    """

    runner: Runner
    workload: Workload
    clock: Clock = time.monotonic
    training: Training | None = None
    worker: WorkerProcess | None = None

    def compute(self, function: Callable[..., T], *args: Any) -> T:
        """Return the function's value: from the warm worker where there is one, else from this process."""
        if self.worker and self.worker.is_alive:
            return self.worker.call(function, *args)
        return function(*args)

    def close(self) -> None:
        """End the warm worker, if there is one."""
        if self.worker:
            self.worker.kill()


def equipment_of(
    spec: SweepSpec,
    paths: SweepPaths,
    options: RunOptions,
    say: Callable[[str], None],
    images: str = "",
    fuse: int = 1,
) -> Equipment:
    """What `--runner` asks for, or what fits, and says which; nothing is started before it is called.

    `images` is the digest of the images that the sweep began with, `fuse` how many trials train as one.
    """
    options = with_runner(spec, options)
    for text in (runner_text(options, fuse), sharing_text(spec, options)):
        if text:
            say(text)
    if fuse > 1 and options.runner == "ray_tune":
        say(
            "resources.fuse: each trial trains alone with Ray; --runner subprocess trains packs on one device"
        )
    if options.runner == "simulated":
        clock = VirtualClock()
        curves = SyntheticCurves(spec.space, spec.train.epochs, spec.objective.metric, spec.search.seed)
        return Equipment(runner["simulated"](clock=clock, workers=options.cpus or 1), curves, clock)
    training = training_of(spec, paths, images, is_alone=options.runner == "local")
    worker = (options.worker or WorkerProcess()) if options.runner == "subprocess" else None
    run = _runner(spec, paths, options, worker, fuse, say)
    return Equipment(run, training, training=training, worker=worker)


def _runner(
    spec: SweepSpec,
    paths: SweepPaths,
    options: RunOptions,
    worker: WorkerProcess | None,
    fuse: int,
    say: Callable[[str], None],
) -> Runner:
    book = load_prices(usd_per_gpu_hour=options.usd_per_gpu_hour, instance=options.instance)
    if options.runner == "local":
        return runner["local"](grant=_this_device(book), fuse=fuse, say=say)

    def price(node: Mapping[str, Any]) -> GpuPrice | None:
        return book.of_node(node.get("labels", {}))

    both = {
        "resources": spec.resources,
        "log": paths.log,
        "cpus": options.cpus,
        "price": price,
        "say": say,
    }
    if worker:
        return runner["subprocess"](**both, worker=worker, fuse=fuse)
    return runner["ray_tune"](**both, state=paths.tune, address=options.address)


def _this_device(book: PriceBook) -> Grant:
    """Return what a trial in this process holds: the whole GPU, or a CPU slot where there is none."""
    name, price = device_name(default_device()), book.of_node({})
    grant = Grant(device=name or "cpu", is_gpu=bool(name))
    if price is None:
        return grant
    provenance = {"price_source": price.source, "price_date": price.date, "market": price.market}
    return dataclasses.replace(grant, usd_per_hour=price.usd_per_gpu_hour, **provenance)
