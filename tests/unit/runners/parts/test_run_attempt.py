import pickle

import pytest

from sweeper.errors import DataError, SweeperError
from sweeper.runners.parts.run_attempt import failure, kind_of, outcome_after, reports, run_here
from sweeper.runners.parts.versions import VersionSkew
from sweeper.training.loop import Diverged
from sweeper.trial import Decision, Outcome, Report, State, Trial

TRIAL = Trial("t", 0, {}, 1)
OutOfMemoryError = type("OutOfMemoryError", (RuntimeError,), {})  # as torch's is called

AcceleratorError = type("AcceleratorError", (RuntimeError,), {})


def work(*items):
    """A workload that yields these, and raises what is an exception."""

    def workload(trial):
        for item in items:
            if isinstance(item, BaseException):
                raise item
            yield item

    return workload


def answering(*decisions):
    rest = list(decisions)
    return lambda report: rest.pop(0)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("x"), "error"),
        (MemoryError(), "out_of_memory"),
        (OutOfMemoryError("CUDA"), "out_of_memory"),
        (AcceleratorError("CUDA error: out of memory\nCUDA kernel errors might be ..."), "out_of_memory"),
        (
            RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
            "out_of_memory",
        ),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), "out_of_memory"),
        (RuntimeError("nvrtc: error: failed to compile: NVRTC_ERROR_OUT_OF_MEMORY"), "out_of_memory"),
        (
            RuntimeError("NCCL error: unhandled cuda error. Last error: Cuda failure 2 'out of memory'"),
            "out_of_memory",
        ),
        (RuntimeError("MPS backend out of memory (MPS allocated: 5.05 GB)"), "out_of_memory"),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
            "out_of_memory",
        ),
        (ValueError("a class is called: out of memory"), "error"),
        (
            AcceleratorError("CUDA error: no kernel image is available for execution on the device"),
            "version_skew",
        ),
        (RuntimeError("CUDA error: uncorrectable ECC error encountered\nCompile with ..."), "gpu_lost"),
        (AcceleratorError("CUDA error: unspecified launch failure"), "gpu_lost"),
        (RuntimeError("No CUDA-capable device is detected"), "gpu_lost"),
        (RuntimeError("Unable to determine the device handle for GPU0: GPU is lost."), "gpu_lost"),
        (AcceleratorError("CUDA error: device-side assert triggered"), "error"),
        (AcceleratorError("CUDA error: an illegal memory access was encountered"), "error"),
        (ValueError("all classes are called: uncorrectable ecc error"), "error"),
        (VersionSkew("x"), "version_skew"),
        (OSError(28, "No space left on device"), "storage"),
        (FileNotFoundError("x"), "storage"),
        (Diverged("the loss is nan"), "diverged"),
        (DataError("broken"), "error"),
        (SweeperError("x"), "error"),
    ],
)
def test_an_exception_draws_on_the_budget_of_its_cause(error, kind):
    assert kind_of(error) == kind


def test_a_failure_is_one_line_with_class_and_message():
    found = failure(ValueError("first line\nsecond line"))
    assert (found.state, found.kind, found.message) == (State.FAILED, "error", "ValueError: first line")
    assert failure(ValueError("")).message == "ValueError: no message"
    assert len(failure(ValueError("x" * 10_000)).message) <= 500
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301


def test_a_message_can_be_written_down_whatever_file_name_it_holds():
    found = failure(OSError("cannot read 'caf\udce9.jpg'"))
    found.message.encode()


def test_a_fingerprint_names_cause_and_place_and_not_the_words():
    def caught(workload):
        return next(item for item in reports(workload, TRIAL) if isinstance(item, Outcome))

    def raising(text):
        def workload(trial):
            raise KeyError(text)
            yield

        return workload

    first, second = caught(raising("a")), caught(raising("b"))
    assert first.fingerprint == second.fingerprint
    assert first.message != second.message
    assert first.fingerprint.startswith("KeyError@")
    assert caught(work(KeyError("a"))).fingerprint != first.fingerprint


def test_what_was_reported_before_a_failure_is_passed_on():
    items = list(reports(work(Report(1, 0.1), Report(2, 0.2), ValueError("x")), TRIAL))
    assert items[:2] == [Report(1, 0.1), Report(2, 0.2)]
    assert items[2].kind == "error"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1)])
def test_what_is_meant_for_the_process_passes_through(error):
    with pytest.raises(type(error)):
        list(reports(work(error), TRIAL))


@pytest.mark.parametrize(
    ("decisions", "state", "asked"),
    [
        ([Decision.CONTINUE] * 3, State.COMPLETED, 3),
        ([Decision.CONTINUE, Decision.STOP], State.STOPPED, 2),
        ([Decision.PAUSE], State.PAUSED, 1),
    ],
)
def test_an_attempt_ends_when_it_is_told_to_or_has_nothing_left(decisions, state, asked):
    heard = []
    answer = answering(*decisions)
    outcome = run_here(
        work(Report(1, 0.1), Report(2, 0.2), Report(3, 0.3)), TRIAL, lambda r: heard.append(r) or answer(r)
    )
    assert outcome == Outcome(state)
    assert len(heard) == asked


def test_a_workload_may_let_go_of_what_it_holds_when_it_is_stopped():
    closed = []

    def workload(trial):
        try:
            yield Report(1, 0.1)
            yield Report(2, 0.2)
        finally:
            closed.append(True)

    run_here(workload, TRIAL, answering(Decision.STOP))
    assert closed == [True]


@pytest.mark.parametrize("decision", list(Decision))
def test_every_answer_leads_to_an_outcome(decision):
    assert outcome_after(decision).state in (State.COMPLETED, State.STOPPED, State.PAUSED)
