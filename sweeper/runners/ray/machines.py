"""This module reads which nodes of a Ray cluster are alive, what they hold and when they go."""

import time
from collections.abc import Sequence

import ray
from ray._private.state import state

from sweeper.runners.parts.slots import Machine


def machines() -> Sequence[Machine]:
    """Return the nodes that are alive."""
    drained = state.get_draining_nodes()  # node -> wall clock in ms, 0 without a deadline
    found: list[Machine] = []
    for node in ray.nodes():
        if node["Alive"]:
            deadline = drained.get(node["NodeID"])
            left = None if deadline is None else deadline / 1000 - time.time() if deadline else float("inf")
            labels, resources = node["Labels"], node["Resources"]
            group = labels.get("ray.io/node-group", "")
            found.append(Machine(node["NodeID"], node["NodeManagerHostname"], resources, left, group, labels))
    return found
