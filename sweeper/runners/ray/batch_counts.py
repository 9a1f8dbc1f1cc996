"""Ray's key-value store holds how many batches each worker has gone through, by node and process."""

import os
from collections.abc import Callable, Mapping
from typing import Any

import ray
from ray.experimental.internal_kv import (
    _internal_kv_get,  # pyright: ignore[reportPrivateUsage]
    _internal_kv_put,  # pyright: ignore[reportPrivateUsage]
)


def put_count() -> Callable[[int], None]:
    """How this worker writes its count."""
    key = _key(ray.get_runtime_context().get_node_id(), os.getpid())

    def put(count: int) -> None:
        _internal_kv_put(key, str(count).encode(), overwrite=True)

    return put


def count_of(worker: Mapping[str, Any]) -> bytes | None:
    """What the worker wrote last, None where it wrote nothing. `worker` is what it said of itself."""
    return _internal_kv_get(_key(worker["node_id"], worker["pid"])) if "pid" in worker else None


def _key(node: str, pid: int) -> bytes:
    return f"sweeper:{node}:{pid}".encode()
