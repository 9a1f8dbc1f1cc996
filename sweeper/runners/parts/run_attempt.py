"""At this boundary an exception in training becomes an outcome; no other place has an `except Exception`."""

import contextlib
import traceback
from collections.abc import Callable, Generator
from typing import Any

from sweeper.errors import FailureKind, SweeperError, is_out_of_memory
from sweeper.runners import Workload
from sweeper.trial import Decision, Outcome, Report, State, Trial

DONE: dict[str, Any] = {"done": True}
"""The last thing that an attempt says which is trained in full."""

OUTCOMES = {Decision.CONTINUE: State.COMPLETED, Decision.STOP: State.STOPPED, Decision.PAUSE: State.PAUSED}

CANCELLED = Outcome(State.WAITING, FailureKind.INTERRUPTED, "cancelled")
"""An attempt that was ended on request, and goes on from its checkpoint when the sweep is resumed."""

GPU_LOST = (
    "uncorrectable ecc error",  # Xid 48, 63, 94, 95
    "uncorrectable nvlink error",  # Xid 74
    "fallen off the bus",  # Xid 79
    "gpu is lost",
    "hardware stack error",
    "unspecified launch failure",  # Xid 13, 43, 45, where the driver gave the context up
    "no cuda-capable device is detected",
    "cuda-capable device(s) is/are busy or unavailable",
    "all cuda-capable devices are busy or unavailable",
    "cuda error: unknown error",
    "cuda error: initialization error",
    "cuda error: system not yet initialized",
)
"""How CUDA says that the device is gone or broken; a bad index or a failed assertion is the trial's own."""

WRONG_BUILD = "no kernel image is available"
"""How CUDA says that this torch was not built for the device: another node may have another one."""


def outcome_after(last: Decision) -> Outcome:
    """Return the outcome of an attempt whose last report was answered like this."""
    return Outcome(OUTCOMES[last])


@contextlib.contextmanager
def failure_caught() -> Generator[list[Outcome]]:
    """Add what is raised inside the block to the list, as an outcome."""
    failures: list[Outcome] = []
    try:
        yield failures
    except Exception as error:
        failures.append(failure(error))


def reports(workload: Workload, trial: Trial) -> Generator[Report | Outcome]:
    """Yield the attempt's reports, and its failure as the last item if it has one."""
    with failure_caught() as failures:
        yield from workload(trial)
    yield from failures


def run_here(workload: Workload, trial: Trial, report: Callable[[Report], Decision]) -> Outcome:
    """Run the attempt in this thread until it ends, fails, or is told not to go on."""
    with contextlib.closing(reports(workload, trial)) as items:
        for item in items:
            if isinstance(item, Outcome):
                return item
            decision = report(item)
            if decision is not Decision.CONTINUE:
                return outcome_after(decision)
    return outcome_after(Decision.CONTINUE)


def failure(error: Exception) -> Outcome:
    """Return the exception as an outcome: its class, one line, and a fingerprint of cause and place."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    text = str(error).strip().splitlines()
    words = f"{type(error).__name__}: {text[0] if text else 'no message'}"[:500]
    message = words.encode(errors="backslashreplace").decode()  # a file name may hold any byte
    return Outcome(State.FAILED, kind_of(error), message, f"{type(error).__qualname__}@{place}")


def kind_of(error: BaseException) -> FailureKind:
    """Return the kind of the failure, which decides how often it may happen."""
    if isinstance(error, SweeperError):
        return FailureKind(error.failure_kind)
    if is_out_of_memory(error):
        return FailureKind.OUT_OF_MEMORY
    if isinstance(error, RuntimeError) and any(words in str(error).lower() for words in GPU_LOST):
        return FailureKind.GPU_LOST
    if isinstance(error, RuntimeError) and WRONG_BUILD in str(error).lower():
        return FailureKind.VERSION_SKEW
    return FailureKind.STORAGE if isinstance(error, OSError) else FailureKind.ERROR
