"""This joins a running Ray, or starts a private one, and keeps what it prints off the terminal."""

import contextlib
import logging
import os
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import ray

from sweeper.errors import PreflightError
from sweeper.files import appending
from sweeper.runners.parts.this_machine import usable_cpus
from sweeper.runners.ray.join import require_answer
from sweeper.training.environment import CPU_WORKER, NVML_ORDER

LONGEST_FOLDER = 36
"""Bytes: Ray adds `/ray/session_DATE_TIME_PID/sockets/plasma_store`, and a socket's name may have 107."""
SHORT_FOLDER = "/tmp"


@contextlib.contextmanager
def connected(
    address: str | None, cpus: int | None, log: Path, say: Callable[[str], None] = lambda text: None
) -> Generator[None]:
    """Run Ray inside the block. PreflightError where it cannot be had; `log` then has what Ray says."""
    is_ours = not ray.is_initialized()
    if is_ours and address and "://" not in address:
        require_answer(address, log)
    with contextlib.ExitStack() as stack:
        if is_ours:
            stack.callback(ray.shutdown)
            _connect(address, {} if address else _private(cpus, stack.enter_context(room_for_sockets(say))))
        yield


@contextlib.contextmanager
def quiet(log: Path) -> Generator[None]:
    """Send what Ray and Tune print and log inside the block to the file."""
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


@contextlib.contextmanager
def room_for_sockets(say: Callable[[str], None]) -> Generator[str | None]:
    """Make a folder in which a private Ray's sockets have short names; None leaves the choice to Ray."""
    chosen = tempfile.gettempdir()
    if len(os.fsencode(chosen)) <= LONGEST_FOLDER:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="ray-", dir=SHORT_FOLDER, ignore_cleanup_errors=True) as folder:
        say(f"{chosen} is too long a name for Ray's sockets: they lie in {folder}")
        yield folder


def _private(cpus: int | None, folder: str | None) -> dict[str, Any]:
    return {"num_cpus": cpus or usable_cpus(), "include_dashboard": False, "_temp_dir": folder}


def _connect(address: str | None, private: dict[str, Any]) -> None:
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    mask = os.umask(0o077)  # Ray writes its authentication token with whatever the mask leaves open
    try:
        ray.init(
            address=address or "local",
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env={"env_vars": {**CPU_WORKER, **NVML_ORDER}},
            **private,
        )
    except Exception as error:  # Ray raises whatever went wrong inside it, plain Exceptions too
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        if address:
            hint = "`ray status` shows a cluster"
            raise PreflightError(f"Ray cannot be reached ({reason})", where=address, hint=hint) from error
        hint = "`--runner local` trains without Ray, one trial at a time"
        raise PreflightError(f"Ray cannot be started ({reason})", where="this machine", hint=hint) from error
    finally:
        os.umask(mask)
