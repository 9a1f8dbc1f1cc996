"""The options that say where trials run, shared by `launch` and `resume`."""

import functools
from collections.abc import Callable
from typing import Any

import click

from sweeper.errors import SpecError
from sweeper.where import Where

OPTIONS = (
    click.option(
        "--runner",
        type=click.Choice(["ray_tune", "local", "simulated"]),
        default="ray_tune",
        show_default=True,
        help="Who runs the trials.",
    ),
    click.option("--local", is_flag=True, help="A private Ray on this machine, whatever RAY_ADDRESS says."),
    click.option("--address", metavar="HOST:PORT", help="Join a running Ray cluster, or: auto."),
    click.option("--cpus", type=click.IntRange(min=1), help="Cores of this machine to use. [default: all]"),
    click.option("--metrics-port", type=click.IntRange(1, 65535), help="Prometheus metrics on loopback."),
    click.option("--usd-per-gpu-hour", type=click.FloatRange(min=0, min_open=True), help="What a GPU costs."),
    click.option("-q", "--quiet", is_flag=True, help="No progress, only the answer."),
)


def where_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; the function receives them as `where`."""

    @functools.wraps(function)
    def wrapped(
        *args: Any,
        runner: str,
        local: bool,
        address: str | None,
        cpus: int | None,
        metrics_port: int | None,
        usd_per_gpu_hour: float | None,
        quiet: bool,
        **kwargs: Any,
    ) -> Any:
        if local and address:
            raise SpecError("--local and --address contradict each other", hint="leave one out")
        where = Where(runner, None if local else address, cpus, metrics_port, quiet, usd_per_gpu_hour)
        return function(*args, where=where, **kwargs)

    for option in reversed(OPTIONS):
        wrapped = option(wrapped)
    return wrapped
