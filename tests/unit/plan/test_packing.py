"""What a plan says of trials that train as one: how many, which share a kind, and what keeps others apart."""

import pytest

from sweeper.errors import SpecError
from sweeper.plan.packing import ON_CPU, packing
from sweeper.plan.rehearsal import Situation

GB = 10**9
ALIKE = [{"pixels": 8, "layers": 1, "learning_rate": 0.001 * (1 + number)} for number in range(4)]
OTHER = {"pixels": 8, "layers": 2}


@pytest.fixture
def packed(toy_spec):
    def build(fuse, configs=ALIKE, *, step=GB, memory=None, train=None):
        spec = toy_spec(resources={"fuse": fuse}, train={"epochs": 2, "batch_size": 32} | (train or {}))
        return packing(spec, configs, lambda config: step, memory)

    return build


def test_auto_is_off_on_a_cpu_and_says_so(packed):
    assert (packed("auto").size, packed("auto").lines) == (1, (ON_CPU,))


@pytest.mark.parametrize("fuse", ["off", 1])
def test_what_is_switched_off_needs_no_line(packed, fuse):
    assert (packed(fuse, memory=80 * GB).size, packed(fuse, memory=80 * GB).lines) == (1, ())


@pytest.mark.parametrize(
    ("fuse", "memory", "size", "words"),
    [
        ("auto", 80 * GB, 8, "up to 8 trials of one kind train as one (auto, at most)"),
        ("auto", 10 * GB, 5, "takes 1 GB of 10 GB, half of which is used"),
        ("auto", 1 * GB, 1, "every trial trains alone: a step"),
        (4, 80 * GB, 4, "(the file's number)"),
        (64, 20 * GB, 10, "takes 1 GB of 20 GB"),
        (4, None, 4, "up to 4 trials"),
    ],
)
def test_the_size_follows_from_the_number_the_limit_and_the_memory(packed, fuse, memory, size, words):
    found = packed(fuse, memory=memory)
    assert found.size == size
    assert words in found.lines[0]


def test_it_is_said_how_many_share_their_kind_and_why_others_train_alone(packed):
    searched = [*ALIKE, OTHER, {**OTHER, "pixels": 16}, {**OTHER, "batch_size": "auto"}]
    lines = packed(4, searched).lines[1:]
    assert lines == (
        "of 7 drawn configurations 4 share their kind with another, at most 4 of them the same",
        "1 of 7 train alone: batch_size: auto",
    )


def test_it_is_said_where_hardly_any_share_a_kind(packed):
    assert "no two of 2 drawn configurations share" in packed(4, [ALIKE[0], OTHER]).lines[1]


def test_a_number_is_refused_where_every_trial_trains_alone_and_auto_is_off(packed):
    alone = [{**config, "batch_size": "auto"} for config in ALIKE]
    with pytest.raises(
        SpecError, match=r"resources\.fuse: found 4, but every trial trains alone \(batch_siz"
    ):
        packed(4, alone)
    found = packed("auto", alone, memory=80 * GB)
    assert (found.size, found.lines) == (1, ("auto is off: every trial trains alone (batch_size: auto)",))


def test_a_quote_has_a_place_for_each_of_a_pack_on_the_same_device():
    shared = Situation("cpu", is_gpu=False, slots=1).shared_by(4)
    assert (shared.slots, shared.share, shared.places) == (4, 0.25, 4)
    assert shared.slots * shared.share == 1
