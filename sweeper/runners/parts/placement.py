"""This says what fits where: what is taken of each node, and whether one more request finds room."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Amounts = Mapping[str, float]
"""Amounts of resources by Ray's names: CPU, GPU, memory, and custom ones."""

_CRUMB = 1e-6  # tenths of a GPU do not add up to one in floating point


@dataclass(slots=True)
class Node:
    """What is free on one machine. GPUs are single things: two halves make no whole, as in Ray."""

    free: dict[str, float]
    gpus: list[float] = field(default_factory=list[float])

    @classmethod
    def of(cls, resources: Amounts) -> "Node":
        """Return a machine that is not used yet."""
        return cls(dict(resources), [1.0] * int(resources.get("GPU", 0)))

    def take(self, request: Amounts) -> bool:
        """Hold the request here; return False, and hold nothing, where it does not fit."""
        if any(self.free.get(name, 0.0) < amount - _CRUMB for name, amount in request.items()):
            return False
        if not self._take_gpus(request.get("GPU", 0.0)):
            return False
        for name, amount in request.items():
            self.free[name] = self.free.get(name, 0.0) - amount
        return True

    def _take_gpus(self, wanted: float) -> bool:
        """Take a fraction from the fullest GPU that has it, or whole GPUs that are untouched."""
        each, count = (wanted, 1) if wanted < 1 else (1.0, round(wanted))
        chosen = sorted((free, place) for place, free in enumerate(self.gpus) if free >= each - _CRUMB)
        if wanted and len(chosen) < count:
            return False
        for _, place in chosen[:count] if wanted else ():
            self.gpus[place] -= each
        return True


@dataclass(frozen=True, slots=True)
class Taken:
    """What one attempt holds or waits for; `node` is empty until its worker has said where it is."""

    request: Amounts
    node: str = ""


def placed(taken: Iterable[Taken], nodes: Mapping[str, Amounts]) -> tuple[list[Node], int]:
    """Return what the nodes have left, and how many attempts found no room and wait.

    An attempt whose node is unknown takes the first place in which it fits.
    """
    left = {name: Node.of(resources) for name, resources in nodes.items()}
    waiting = 0
    for each in sorted(taken, key=lambda one: one.node == ""):  # what is known first
        known = left.get(each.node)
        candidates = [known] if known else [] if each.node else list(left.values())
        fits = any(node.take(each.request) for node in candidates)
        waiting += not fits and not each.node
    return list(left.values()), waiting


def fits(request: Amounts, nodes: Iterable[Node]) -> bool:
    """Say whether one of the nodes has room for it."""
    return any(Node(dict(node.free), list(node.gpus)).take(request) for node in nodes)


def count(request: Amounts, resources: Amounts) -> int:
    """Return how many of the same request an empty machine has room for."""
    rooms = [
        int(resources.get(name, 0.0) / amount + _CRUMB) for name, amount in request.items() if name != "GPU"
    ]
    gpu = request.get("GPU", 0.0)
    if gpu:
        whole = int(resources.get("GPU", 0))
        rooms.append(whole * int(1 / gpu + _CRUMB) if gpu < 1 else int(whole / gpu))
    return min(rooms, default=0)
