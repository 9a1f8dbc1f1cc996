"""A worker that keeps device memory is not used again."""

import torch

from sweeper.runners.parts.leaks import LEAST_BYTES, Leaks, allowed_bytes, device_memory


def leaks(*readings, forget=lambda: None) -> Leaks:
    """A worker whose memory reads like this, one reading after the other."""
    left = list(readings)
    return Leaks(lambda: left.pop(0), forget, lambda: 100)


def test_what_was_held_before_the_first_attempt_is_nobodys_leak() -> None:
    worker = leaks(5_000, 5_100, 5_050)
    assert [worker.found() for _ in range(3)] == ["", "", ""]


def test_memory_above_the_allowance_makes_the_worker_unfit() -> None:
    worker = leaks(0, 3_000_000_000, 3_000_000_000)
    assert worker.found() == ""
    assert worker.found() == "it still holds 3.0 GB of device memory"


def test_images_that_are_kept_on_purpose_are_let_go_first() -> None:
    let_go: list[str] = []
    worker = leaks(0, 900, 20, forget=lambda: let_go.append("images"))
    assert [worker.found(), worker.found()] == ["", ""]
    assert let_go == ["images"]


def test_a_worker_without_a_gpu_holds_nothing() -> None:
    if not torch.cuda.is_available():
        assert (device_memory(), allowed_bytes()) == (0, LEAST_BYTES)
