"""Brings images that do not fit on the device there while it computes, through two pinned buffers in turn."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

_SLOTS = 2  # one is computed on while the next is filled and copied


class Event(Protocol):
    """A moment in the work of a stream."""

    def synchronize(self) -> None:
        """Wait on the host until it has come."""
        ...


class DeviceCopies(Protocol):
    """Copies to one device beside its computing. A test on the CPU gives its own."""

    device: torch.device

    def buffers(self, rows: int, width: int) -> tuple[Tensor, Tensor]:
        """Bytes on the host that the device can read by itself, and as many on the device."""
        ...

    def send(self, host: Tensor, there: Tensor, after: Event | None) -> Event:
        """Begin to copy as soon as `after` has come; the event comes with the copy's end."""
        ...

    def wait(self, event: Event) -> None:
        """Let what is computed from here on wait for the event; the host goes on."""
        ...

    def mark(self) -> Event:
        """The moment when all that is computed so far is done."""
        ...


class CudaCopies:
    """Copies to a GPU on a stream of their own."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._stream = torch.cuda.Stream(device)

    def buffers(self, rows: int, width: int) -> tuple[Tensor, Tensor]:
        """Return pinned memory, and the device's; both may be given up while a copy is under way."""
        there = torch.empty(rows, width, dtype=torch.uint8, device=self.device)
        there.record_stream(self._stream)
        return torch.empty(rows, width, dtype=torch.uint8, pin_memory=True), there

    def send(self, host: Tensor, there: Tensor, after: Event | None) -> Event:
        """Begin to copy."""
        if isinstance(after, torch.cuda.Event):
            self._stream.wait_event(after)
        with torch.cuda.stream(self._stream):
            there.copy_(host, non_blocking=True)
            return self._stream.record_event()

    def wait(self, event: Event) -> None:
        """Let the current stream wait."""
        assert isinstance(event, torch.cuda.Event)
        torch.cuda.current_stream(self.device).wait_event(event)

    def mark(self) -> Event:
        """Return an event of the current stream."""
        return torch.cuda.current_stream(self.device).record_event()


@dataclass
class _Slot:
    host: Tensor
    there: Tensor
    sent: Event | None = None
    used: Event | None = None

    def send(self, flat: Tensor, rows: Tensor, copies: DeviceCopies) -> None:
        """Gather rows and begin to copy them, not before the last copy from here and the last use there."""
        if self.sent is not None:
            self.sent.synchronize()
        host = torch.index_select(flat, 0, rows, out=self.host[: len(rows)])
        self.sent = copies.send(host, self.there[: len(rows)], self.used)


def relayed(flat: Tensor, batches: list[Tensor], copies: DeviceCopies) -> Iterator[Tensor]:
    """Yield the rows of each batch on the device, (rows, width) bytes that hold until the next is asked for.

    While a batch is computed on, the next one is gathered and copied.
    """
    largest = max((len(rows) for rows in batches), default=0)
    slots = [_Slot(*copies.buffers(largest, flat.shape[1])) for _ in range(_SLOTS)]
    for number, rows in enumerate(batches):
        slot = slots[number % _SLOTS]
        if number == 0:
            slot.send(flat, rows, copies)
        if number + 1 < len(batches):
            slots[(number + 1) % _SLOTS].send(flat, batches[number + 1], copies)
        if slot.sent is not None:
            copies.wait(slot.sent)
        yield slot.there[: len(rows)]
        slot.used = copies.mark()
