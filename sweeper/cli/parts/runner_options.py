"""The options that say where trials run, shared by `launch` and `resume`."""

import functools
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click

from sweeper.config.run_options import RunOptions
from sweeper.config.user_config import user_config
from sweeper.cost.prices import load_prices
from sweeper.errors import PreflightError, SpecError

CONNECT_SECONDS = 3.0
OPTIONS = (
    click.option(
        "--runner",
        type=click.Choice(["ray_tune", "subprocess", "local", "simulated"]),
        help="Who runs the trials. [default: subprocess for one trial at a time here, else ray_tune]",
    ),
    click.option("--local", is_flag=True, help="A private Ray on this machine, whatever RAY_ADDRESS says."),
    click.option("--address", metavar="HOST:PORT", help="Join a running Ray cluster, or: auto."),
    click.option("--cpus", type=click.IntRange(min=1), help="Cores of this machine to use. [default: all]"),
    click.option("--share", is_flag=True, help="Run beside other sweeps on the same cores, not after them."),
    click.option("--metrics-port", type=click.IntRange(1, 65535), help="Prometheus metrics on loopback."),
    click.option("--usd-per-gpu-hour", type=click.FloatRange(min=0, min_open=True), help="What a GPU costs."),
    click.option(
        "--instance", default="", metavar="NAME", help="What these machines are, such as g6.xlarge."
    ),
    click.option("-q", "--quiet", is_flag=True, help="No progress, only the answer."),
)


def _check_address(address: str) -> None:
    """Refuse a wrong address, and one where nobody listens, before anything is written."""
    if address == "auto":
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise SpecError(f"--address {address}: found no port", hint="write HOST:6379, or auto")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        problem = f"nobody answers there ({error.strerror or error})"
        hint = "`ray status` shows a cluster's address"
        raise PreflightError(problem, where=f"--address {address}", hint=hint) from error


def with_observers(where: RunOptions) -> RunOptions:
    """Listen on the port for metrics before anything is written, and tell whom the user's own file names.

    PreflightError where another process has the port.
    """
    if where.metrics_port is not None:
        from sweeper.trackers.prometheus import MetricsServer

        where = replace(where, metrics=MetricsServer(where.metrics_port))
    if notify := user_config().notify:
        from sweeper.launch.notices import Notices
        from sweeper.trackers.notifier import Notifier

        where = replace(where, words=Notices(notify, Notifier(notify.to)))
    return where


def where_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the function receives them as `where`."""

    @functools.wraps(function)
    def wrapped(
        *args: Any,
        runner: str | None,
        local: bool,
        address: str | None,
        cpus: int | None,
        share: bool,
        metrics_port: int | None,
        usd_per_gpu_hour: float | None,
        instance: str,
        quiet: bool,
        **kwargs: Any,
    ) -> Any:
        if local and address:
            raise SpecError("--local and --address contradict each other", hint="leave one out")
        if address and runner not in (None, "ray_tune"):
            raise SpecError(f"--runner {runner} joins no cluster: --address {address}", hint="leave one out")
        if address:
            _check_address(address)
        user_config()  # refused here too
        load_prices(usd_per_gpu_hour=usd_per_gpu_hour, instance=instance)  # refused here, if at all
        name = runner or ("ray_tune" if local or address else "")
        where = RunOptions(
            name, None if local else address, cpus, metrics_port, quiet, usd_per_gpu_hour, instance,
            is_sharing=share,
        )  # fmt: skip
        return function(*args, where=where, **kwargs)

    for option in reversed(OPTIONS):
        wrapped = option(wrapped)
    return wrapped
