"""Joining or starting Ray, and what its nodes have room for."""

import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray

from sweeper.cost.prices import Quote
from sweeper.errors import PreflightError
from sweeper.ledger import Grant
from sweeper.sections import ResourcesSpec
from sweeper.training.environment import CPU_WORKER

Price = Callable[[Mapping[str, Any]], Quote | None]
"""What one whole device costs, from what `worker_device` says of it; None where nobody knows."""

REFRESH_SECONDS = 5.0


@contextlib.contextmanager
def connected(address: str | None, cpus: int | None) -> Generator[Mapping[str, float]]:
    """Inside the block Ray runs; yields its total resources. PreflightError where it cannot be had."""
    is_ours = not ray.is_initialized()
    if is_ours:
        _connect(address, cpus)
    try:
        yield ray.cluster_resources()
    finally:
        if is_ours:
            ray.shutdown()


@contextlib.contextmanager
def quiet(log: Path) -> Generator[None]:
    """Inside the block what Ray and Tune print on stdout, and what they log, goes to the file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(log)
    loggers = [logging.getLogger(name) for name in ("ray", "ray.tune", "ray.train")]
    before = [(each, each.handlers, each.propagate) for each in loggers]
    for each in loggers:
        each.handlers, each.propagate = [handler], False
    try:
        with log.open("a") as file, contextlib.redirect_stdout(file):
            yield
    finally:
        for each, handlers, propagates in before:
            each.handlers, each.propagate = handlers, propagates
        handler.close()


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
            runtime_env={"env_vars": dict(CPU_WORKER)},
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


def usable_cpus() -> int:
    """The cores that this process may use, which a container can limit."""
    return len(os.sched_getaffinity(0))


def worker_device() -> dict[str, Any]:
    """What a worker holds: node and its labels, accelerator type as Ray names it (`H100`), GPU indices."""
    context = ray.get_runtime_context()
    gpus = context.get_accelerator_ids().get("GPU", [])
    types = [
        name.partition(":")[2] for name in ray.cluster_resources() if name.startswith("accelerator_type:")
    ]
    device = types[0] if gpus and len(types) == 1 else "gpu" if gpus else "cpu"
    return {
        "node": socket.gethostname(),
        "node_id": context.get_node_id(),
        "labels": {name: values[0] for name, values in context.get_node_labels().items() if values},
        "device": device,
        "gpus": gpus,
    }


@dataclass
class Slots:
    """How many trials the cluster has room for; follows a cluster that grows and shrinks."""

    resources: Mapping[str, float]
    spec: ResourcesSpec
    price: Price | None = None
    _nodes: list[tuple[str, Mapping[str, float]]] | None = None
    _read_at: float = field(default_factory=time.monotonic)

    @property
    def has_gpu(self) -> bool:
        """Whether trials run on GPUs here."""
        return self.spec.gpu > 0 and self.resources.get("GPU", 0) > 0

    @property
    def request(self) -> dict[str, float]:
        """What one trial asks Ray for."""
        wanted: dict[str, float] = {"CPU": self.spec.cpu, **self.spec.custom}
        if self.has_gpu:
            wanted["GPU"] = self.spec.gpu
        if self.spec.memory_gb:
            wanted["memory"] = self.spec.memory_gb * 1e9
        return wanted

    def count(self) -> int:
        """Trials that may run at a time."""
        self._refresh()
        room = [int(self.resources.get(name, 0) / amount + 1e-9) for name, amount in self.request.items()]
        return min(*room, self.spec.concurrency or max(room))

    def devices(self) -> float:
        """Whole devices that the sweep holds: the GPUs, or the CPU slots that stand in for them."""
        self._refresh()
        return self.resources["GPU"] if self.has_gpu else float(self.count())

    def held(self) -> dict[str, float]:
        """The same by node; CPU slots beyond `resources.concurrency` are taken off every node alike."""
        total = self.devices()
        if self._nodes is None:
            self._read()
        held: dict[str, float] = {}
        for node, resources in self._nodes or []:
            rooms = [int(resources.get(name, 0) / amount + 1e-9) for name, amount in self.request.items()]
            held[node] = held.get(node, 0.0) + (resources.get("GPU", 0.0) if self.has_gpu else min(rooms))
        found = sum(held.values())
        return {node: devices * total / found for node, devices in held.items() if devices} if found else {}

    @property
    def share(self) -> float:
        """How much of a device one trial holds."""
        return self.spec.gpu if self.has_gpu else 1.0

    def grant(self, said: Mapping[str, Any]) -> Grant:
        """The ledger's view of what a worker holds."""
        quote = self.price(said) if self.price and self.has_gpu else None
        return Grant(
            node=str(said.get("node", "unknown")),
            device=str(said.get("device", "unknown")),
            is_gpu=self.has_gpu,
            share=self.share,
            usd_per_hour=quote.usd_per_gpu_hour if quote else None,
            price_source=quote.source if quote else "",
            price_date=quote.date if quote else "",
            market=quote.market if quote else "",
            gpu_uuid=",".join(said.get("gpu_uuids", ())),
        )

    def require_room(self) -> None:
        """PreflightError where not even one trial fits."""
        for name, amount in self.request.items():
            if self.resources.get(name, 0) < amount:
                raise PreflightError(
                    f"a trial asks for {amount:g} {name}, but Ray has {self.resources.get(name, 0):g}",
                    hint=f"lower resources.{name.lower()} in the sweep file, or add nodes",
                )

    def _refresh(self) -> None:
        if time.monotonic() - self._read_at > REFRESH_SECONDS:
            self._read()

    def _read(self) -> None:
        self._nodes = [(n["NodeManagerHostname"], n["Resources"]) for n in ray.nodes() if n["Alive"]]
        self.resources, self._read_at = ray.cluster_resources(), time.monotonic()
