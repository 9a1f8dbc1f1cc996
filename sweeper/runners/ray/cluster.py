"""This joins a running Ray, or starts a private one, and keeps what it prints off the terminal."""

import contextlib
import logging
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import ray

from sweeper.errors import PreflightError
from sweeper.files import appending
from sweeper.runners.parts.this_machine import usable_cpus
from sweeper.runners.ray.join import require_answer
from sweeper.training.environment import CPU_WORKER, NVML_ORDER


@contextlib.contextmanager
def connected(address: str | None, cpus: int | None, log: Path) -> Generator[None]:
    """Inside the block Ray runs. PreflightError where it cannot be had; what Ray says then is in `log`."""
    is_ours = not ray.is_initialized()
    if is_ours:
        if address and "://" not in address:
            require_answer(address, log)
        _connect(address, cpus)
    try:
        yield
    finally:
        if is_ours:
            ray.shutdown()


@contextlib.contextmanager
def quiet(log: Path) -> Generator[None]:
    """Inside the block what Ray and Tune print on stdout, and what they log, goes to the file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    file = appending(log)
    handler = logging.StreamHandler(file)
    loggers = [logging.getLogger(name) for name in ("ray", "ray.tune", "ray.train")]
    before = [(each, each.handlers, each.propagate) for each in loggers]
    for each in loggers:
        each.handlers, each.propagate = [handler], False
    try:
        with contextlib.redirect_stdout(file):
            yield
    finally:
        for each, handlers, propagates in before:
            each.handlers, each.propagate = handlers, propagates
        file.close()


def _connect(address: str | None, cpus: int | None) -> None:
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    private: dict[str, Any] = {"num_cpus": cpus or usable_cpus(), "include_dashboard": False}
    mask = os.umask(0o077)  # Ray writes its authentication token with whatever the mask leaves open
    try:
        ray.init(
            address=address or "local",
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env={"env_vars": {**CPU_WORKER, **NVML_ORDER}},
            **({} if address else private),
        )
    except (ConnectionError, RuntimeError, TimeoutError, ValueError) as error:
        where = address or "this machine"
        reason = str(error).strip().splitlines()[0]
        raise PreflightError(
            f"Ray cannot be reached ({reason})", where=where, hint="`ray status` shows a cluster"
        ) from error
    finally:
        os.umask(mask)
