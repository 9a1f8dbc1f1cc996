"""This compares a worker's software with the driver's, because another torch trains to other numbers."""

import functools
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import ClassVar

from sweeper.errors import FailureKind, SweeperError

COMPARED = ("sweeper", "torch", "ray")


class VersionSkew(SweeperError, RuntimeError):
    """The worker's software is not the driver's. Another node may have the right one."""

    failure_kind: ClassVar[FailureKind] = FailureKind.VERSION_SKEW


@functools.cache
def versions_here() -> dict[str, str]:
    """Return what this process runs; of a build such as `2.15.0+cpu` the part that decides about numbers."""
    found = {name: version(name).partition("+")[0] for name in COMPARED}
    return {"python": ".".join(platform.python_version_tuple()[:2]), **found}


def refuse_skew(driver: Mapping[str, str], here: Mapping[str, str], node: str) -> None:
    """Raise VersionSkew with what differs; packages that only one side named are not compared."""
    differing = [
        f"{name} {here[name]} (the driver has {driver[name]})"
        for name in driver
        if name in here and here[name] != driver[name]
    ]
    if differing:
        raise VersionSkew(
            f"{node} has {', '.join(differing)}", hint="install the driver's versions there, from one image"
        )
