"""Batches where images lie on a device, and where they do not fit there."""

import math

import pytest
import torch
from torch import Tensor

from sweeper.config.sections import DatasetSpec
from sweeper.data.augment import augmentation
from sweeper.data.batches import Residents, Rows, room
from sweeper.data.dataset import open_dataset
from sweeper.data.relay import relayed

CPU = torch.device("cpu")


class Moment:
    """An event. Until the host has waited for a copy's, the device may still be reading the host's bytes."""

    def __init__(self, host: Tensor | None = None) -> None:
        self.host = host
        self.sent = None if host is None else host.clone()
        self.is_known_to_have_come = False
        self.covers: set[int] = set()

    def synchronize(self) -> None:
        assert self.host is None or torch.equal(self.host, self.sent), "filled while it was being copied"
        self.is_known_to_have_come = True


class LateCopies:
    """A device whose copies come as late as they may: only what waits for them can count on them."""

    device = CPU

    def __init__(self) -> None:
        self.waiting: list[tuple[Tensor, Tensor, Moment]] = []
        self.last: dict[int, Moment] = {}
        self.given_out: set[int] = set()
        self.most_under_way = 0

    def buffers(self, rows: int, width: int) -> tuple[Tensor, Tensor]:
        return torch.zeros(rows, width, dtype=torch.uint8), torch.zeros(rows, width, dtype=torch.uint8)

    def send(self, host: Tensor, there: Tensor, after: Moment | None) -> Moment:
        before = self.last.get(host.data_ptr())
        assert before is None or before.is_known_to_have_come, "filled while it was being copied"
        if there.data_ptr() in self.given_out:
            assert after is not None, "copied over what is computed on"
            assert there.data_ptr() in after.covers, "copied over what is computed on"
        event = self.last[host.data_ptr()] = Moment(host)
        self.waiting.append((host, there, event))
        self.most_under_way = max(self.most_under_way, len(self.waiting))
        return event

    def wait(self, event: Moment) -> None:
        while self.waiting and not event.covers:
            host, there, sent = self.waiting.pop(0)
            there.copy_(host)
            sent.covers.add(there.data_ptr())
            if sent is event:
                self.given_out.add(there.data_ptr())

    def mark(self) -> Moment:
        moment = Moment()
        moment.covers = set(self.given_out)
        return moment


@pytest.mark.parametrize("sizes", [[5], [4, 4], [4, 4, 4, 4, 3], [2] * 9, []])
def test_what_does_not_fit_on_the_device_arrives_in_order_and_to_the_bit(sizes):
    flat = torch.randint(256, (40, 12), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(2))[: sum(sizes)]
    chosen, copies = list(order.split(sizes)), LateCopies()
    for rows, arrived in zip(chosen, relayed(flat, chosen, copies), strict=True):
        assert torch.equal(arrived, flat[rows])
    assert copies.most_under_way == min(2, len(sizes))


def test_relayed_batches_hold_the_images_and_labels_of_gathered_ones():
    images = torch.randint(256, (30, 4, 4, 3), generator=torch.Generator().manual_seed(3), dtype=torch.uint8)
    rows = Rows(images, torch.arange(0, 30, 2), torch.arange(15))
    order = torch.randperm(15, generator=torch.Generator().manual_seed(4))
    pairs = zip(rows.uint8_batches(order, 4), rows.uint8_batches(order, 4, LateCopies()), strict=True)
    for (one, answers), (other, labels) in pairs:
        assert torch.equal(one, other)
        assert torch.equal(answers, labels)


@pytest.fixture
def spec():
    return DatasetSpec.model_validate({"source": "synthetic", "classes": 4, "per_class": 30, "size": 16})


def held(dataset, split="train") -> Tensor:
    next(dataset.batches(split, batch_size=4))
    return dataset._resident[split, CPU].images


def test_images_lie_on_the_device_once_however_many_trials_normalize_them(spec, tmp_path):
    residents = Residents(lambda device: math.inf)
    options = {"cache": tmp_path, "residents": residents}
    opened = [
        open_dataset(spec, pixels=12, normalization=name, **options) for name in ("none", "standardize")
    ]
    larger = open_dataset(spec, pixels=16, **options)
    assert held(opened[0]) is held(opened[1])
    assert held(opened[0]).shape == (84, 12, 12, 3)
    assert held(larger).shape == (84, 16, 16, 3)
    assert held(opened[0], "valid").shape == (24, 12, 12, 3)


def test_what_nobody_trains_on_any_more_leaves_the_device(spec, tmp_path):
    asked: list[int] = []
    residents = Residents(lambda device: asked.append(1) or math.inf)
    for _ in range(2):
        dataset = open_dataset(spec, pixels=12, cache=tmp_path, residents=residents)
        held(dataset)
        del dataset
    assert len(asked) == 2


def test_resident_images_give_the_batches_of_mapped_ones(spec, tmp_path):
    def epoch(room):
        dataset = open_dataset(spec, pixels=12, cache=tmp_path, residents=Residents(lambda device: room))
        return list(
            dataset.batches(
                "train",
                batch_size=8,
                generator=torch.Generator().manual_seed(3),
                augmentation=augmentation["strong"](mixup=0.4),
                drop_last=True,
            )
        )

    for (one, labels), (other, answers) in zip(epoch(0), epoch(math.inf), strict=True):
        assert torch.equal(one, other)
        assert torch.equal(labels, answers)


class Card:
    """A GPU of 80 bytes, half of them free, of which this process may have a part and holds four."""

    def __init__(self, fraction):
        self.get_per_process_memory_fraction = lambda device: fraction

    def mem_get_info(self, device):
        return 40, 80

    def memory_allocated(self, device):
        return 4


@pytest.mark.parametrize(("fraction", "bytes_of_a_split"), [(1.0, 10), (0.25, 4), (0.05, 0)])
def test_a_split_may_take_a_quarter_of_what_is_left_of_the_trials_own_memory(fraction, bytes_of_a_split):
    assert room(torch.device("cuda"), Card(fraction)) == bytes_of_a_split
    assert room(torch.device("cpu"), Card(fraction)) == 0
