"""Which machine runs the trials, and what it shows meanwhile."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Where:
    """`usd_per_gpu_hour` prices every GPU alike; without it nodes are priced by their labels."""

    runner: str = "ray_tune"
    address: str | None = None
    cpus: int | None = None
    metrics_port: int | None = None
    is_quiet: bool = False
    usd_per_gpu_hour: float | None = None
