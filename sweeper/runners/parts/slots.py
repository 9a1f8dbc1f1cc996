"""This counts what machines have room for, as they come, go and are drained."""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sweeper.config.resources import ResourcesSpec
from sweeper.cost.prices import GpuPrice
from sweeper.errors import PreflightError
from sweeper.runners.parts.placement import Amounts, Node, Taken, count, fits, placed
from sweeper.store.attempt import Grant
from sweeper.trial import Config

Price = Callable[[Mapping[str, Any]], GpuPrice | None]
"""What one whole device costs, from what `worker_device` says of it; None where it is not known."""

REFRESH_SECONDS = 2.0
STUCK_SECONDS = 30.0
"""An attempt that has waited longer is not about to start: what it waits for is used by another job."""
LEAST_GROWTH = 4
"""Attempts that wait for machines to come, at least; later as many as run, so that a cluster doubles."""


@dataclass(frozen=True, slots=True)
class Machine:
    """One node. `leaves_in`: seconds until it goes, once it is being drained; infinite without a deadline.

    `group` is the node type that Ray's autoscaler started it as, empty where nodes are not started for us.
    """

    id: str
    host: str
    resources: Amounts
    leaves_in: float | None = None
    group: str = ""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


def request_of(spec: ResourcesSpec, config: Config, *, has_gpu: bool) -> dict[str, float]:
    """Return what a trial of this configuration asks for, by Ray's names."""
    held = spec.of(config)
    wanted: dict[str, float] = {"CPU": held.cpu, **held.custom}
    if has_gpu and held.gpu:
        wanted["GPU"] = held.gpu
    if held.memory_gb:
        wanted["memory"] = held.memory_gb * 1e9
    return wanted


@dataclass
class Slots:
    """Follows machines that come and go; `read` says which there are now.

    With `packed`, so many attempts share what one asks for, and as many again may wait to join them.
    """

    spec: ResourcesSpec
    price: Price | None = None
    read: Callable[[], Sequence[Machine]] = tuple
    packed: int = 1
    clock: Callable[[], float] = time.monotonic
    has_gpu: bool = field(init=False)
    _machines: Sequence[Machine] = ()
    _read_at: float = 0.0

    def __post_init__(self) -> None:
        """Settle for the whole launch whether trials run on GPUs."""
        self._read()
        some = any(machine.resources.get("GPU", 0) for machine in self._machines)
        none_can = not any(machine.resources.get("CPU", 0) for machine in self._machines)
        wanted = any(variant.gpu for variant in self.spec.variants)
        self.has_gpu = wanted and (some or (self.grows and none_can))

    @property
    def grows(self) -> bool:
        """Whether machines come when trials wait for them."""
        return any(machine.group for machine in self._machines)

    @property
    def stuck_seconds(self) -> float:
        """How long an attempt may wait before nothing more is asked for."""
        return math.inf if self.grows or self.packed > 1 else STUCK_SECONDS

    def request(self, config: Config) -> dict[str, float]:
        """Return what a trial of this configuration asks for, by Ray's names."""
        return request_of(self.spec, config, has_gpu=self.has_gpu)

    def share(self, config: Config) -> float:
        """Return how much of a device the trial holds, by its own request."""
        return self.spec.share(config, on_gpu=self._is_gpu(config))

    def has_room(self, taken: Iterable[Taken]) -> bool:
        """Say whether to ask for one more attempt, when these have been asked for.

        Its configuration, and so its request, is known only then. One that does not fit waits, and nothing
        more is asked for until it has found its place.
        """
        live = list(taken)
        if self.packed > 1:
            return len(live) < 2 * self.packed
        if self.spec.concurrency is not None and len(live) >= self.spec.concurrency:
            return False
        left, waiting = placed(live, self._open())
        if self.grows and waiting < max(LEAST_GROWTH, len(live) - waiting):
            return True
        return waiting == 0 and any(fits(request, left) for request in self._requests())

    @property
    def is_single(self) -> bool:
        """Whether one attempt leaves no room for another, whatever their configurations are."""
        return not any(self.has_room([Taken(request)]) for request in self._requests())

    def waiting(self, taken: Iterable[Taken]) -> int:
        """Return how many of them wait for room that others of them hold, at most."""
        if self.packed > 1:
            return len(list(taken))
        return placed(taken, self._open())[1]

    def leaving(self) -> dict[str, float]:
        """Return the nodes that are being drained, and in how many seconds they go."""
        self._refresh()
        return {each.id: each.leaves_in for each in self._machines if each.leaves_in is not None}

    def held(self) -> dict[str, float]:
        """Return the whole devices that the sweep holds, by host: GPUs, or CPU slots in their place.

        Slots beyond `resources.concurrency` are taken off every host alike.
        """
        self._refresh()
        found: dict[str, float] = {}
        for each in self._machines:
            found[each.host] = found.get(each.host, 0.0) + self._devices(each.resources)
        total, most = sum(found.values()), self._most_devices()
        return {host: devices * min(1.0, most / total) for host, devices in found.items() if devices}

    def grant(self, config: Config, said: Mapping[str, Any], places: int = 1) -> Grant:
        """Return what an attempt holds, one of so many on the worker's device, as the ledger needs it."""
        is_gpu = self._is_gpu(config)
        quote = self._quote(said) if is_gpu or not self.has_gpu else None
        return Grant(
            node=str(said.get("node", "unknown")),
            device=str(said.get("device", "unknown")),
            is_gpu=is_gpu,
            share=self.share(config) / places,
            places=places,
            usd_per_hour=quote.usd_per_gpu_hour if quote else None,
            price_source=quote.source if quote else "",
            price_date=quote.date if quote else "",
            market=quote.market if quote else "",
            gpu_uuid=",".join(said.get("gpu_uuids", ())),
        )

    def _quote(self, said: Mapping[str, Any]) -> GpuPrice | None:
        """Return the price of what a worker holds.

        A worker that ended without naming its node has the one price that all machines have, if any.
        """
        if self.price is None or said:
            return self.price(said) if self.price else None
        quotes = {self.price({"labels": each.labels}) for each in self._machines if each.resources.get("GPU")}
        return quotes.pop() if len(quotes) == 1 else None

    def require_room(self) -> None:
        """Raise PreflightError where some trials would not fit on any machine, and no other can come."""
        if self.grows:
            return
        nodes = [Node.of(each.resources) for each in self._machines]
        for request in self._requests():
            if not fits(request, nodes):
                name = min(request, key=lambda name: self._most(name) / request[name])
                most = self._most(name)
                raise PreflightError(
                    f"a trial asks for {request[name]:g} {name}, but no node has more than {most:g}",
                    hint=f"lower resources.{name.lower()} in the sweep file, or add nodes",
                )

    def _most(self, name: str) -> float:
        return max((each.resources.get(name, 0.0) for each in self._machines), default=0.0)

    def _requests(self) -> list[dict[str, float]]:
        return [request_of(variant, {}, has_gpu=self.has_gpu) for variant in self.spec.variants]

    def _is_gpu(self, config: Config) -> bool:
        return self.has_gpu and self.spec.of(config).gpu > 0

    def _devices(self, resources: Amounts) -> float:
        if self.has_gpu:
            return resources.get("GPU", 0.0)
        if self.spec.rules:
            return resources.get("CPU", 0.0) / self.spec.cpu
        return count(request_of(self.spec, {}, has_gpu=False), resources)

    def _most_devices(self) -> float:
        if self.has_gpu or self.spec.concurrency is None:
            return float("inf")
        return self.spec.concurrency * max(each.cpu / self.spec.cpu for each in self.spec.variants)

    def _open(self) -> dict[str, Amounts]:
        self._refresh()
        return {each.id: each.resources for each in self._machines if each.leaves_in is None}

    def _refresh(self) -> None:
        if self.clock() - self._read_at > REFRESH_SECONDS:
            self._read()

    def _read(self) -> None:
        self._machines, self._read_at = self.read(), self.clock()
