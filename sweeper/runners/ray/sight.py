"""Before the first trial each node of a cluster proves that it sees what trials need: the sweep's folder."""

from collections.abc import Callable
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from sweeper.errors import PreflightError, SweeperError

PROOF_SECONDS = 120.0
"""A node that imports torch for the first time takes most of a minute."""


def require_sight(prove: Callable[[], None] | None, seconds: float = PROOF_SECONDS) -> None:
    """Call `prove` on each node that could run trials; PreflightError for what the first of them raises.

    A single machine sees what it sees, and is not asked.
    """
    nodes = [node for node in ray.nodes() if node["Alive"] and _can_train(node["Resources"])]
    if prove is None or (len(nodes) == 1 and nodes[0]["NodeID"] == _own_node()):
        return
    task: Any = ray.remote(num_cpus=0, max_retries=0)(_proof)
    asked = {
        task.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote(
            prove
        ): node["NodeManagerHostname"]
        for node in nodes
    }
    answered, silent = ray.wait(list(asked), num_returns=len(asked), timeout=seconds)
    for answer in answered:
        _refuse(answer, asked[answer])
    if silent:
        names = ", ".join(sorted(asked[each] for each in silent))
        hint = "`ray status` shows the nodes; docs/cluster.md says what each needs"
        raise PreflightError(f"no answer within {seconds:.0f} s: {names}", where="cluster", hint=hint)


def _refuse(answer: Any, host: str) -> None:
    try:
        problem: SweeperError | None = ray.get(answer)
    except RayError as error:
        reason = str(error).strip().splitlines()[-1]
        raise PreflightError(f"node {host} cannot run sweeper ({reason})", where="cluster") from error
    if problem:
        raise PreflightError(problem.problem, where=problem.where, hint=problem.hint)


def _proof(prove: Callable[[], None]) -> SweeperError | None:
    try:
        prove()
    except SweeperError as error:
        return error
    return None


def _can_train(resources: dict[str, float]) -> bool:
    return bool(resources.get("CPU") or resources.get("GPU"))


def _own_node() -> str:
    return ray.get_runtime_context().get_node_id()
