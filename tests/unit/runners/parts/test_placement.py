"""Where requests find room, and where they do not."""

import pytest

from sweeper.runners.parts.placement import Node, Taken, count, fits, placed

HALF, WHOLE = {"CPU": 1.0, "GPU": 0.5}, {"CPU": 1.0, "GPU": 1.0}
BOX = {"CPU": 8.0, "GPU": 2.0}


def test_two_halves_of_different_gpus_make_no_whole_one() -> None:
    node = Node.of(BOX)
    assert node.take({"GPU": 0.6})
    assert node.take({"GPU": 0.6})
    assert sum(node.gpus) == pytest.approx(0.8)
    assert not node.take({"GPU": 0.5})
    assert node.take({"GPU": 0.4})


def test_fractions_share_a_gpu_so_that_whole_ones_stay_free() -> None:
    node = Node.of(BOX)
    assert all(node.take({"GPU": 0.25}) for _ in range(4))
    assert sorted(node.gpus) == [0.0, 1.0]
    assert node.take(WHOLE)


def test_what_does_not_fit_takes_nothing() -> None:
    node = Node.of({"CPU": 1.0, "GPU": 1.0})
    assert not node.take({"CPU": 1.0, "GPU": 2.0})
    assert not node.take({"CPU": 1.0, "license": 1.0})
    assert node.take(WHOLE)


def test_tenths_add_up_to_one() -> None:
    node = Node.of({"CPU": 10.0, "GPU": 1.0})
    assert [node.take({"GPU": 0.1}) for _ in range(11)] == [True] * 10 + [False]


def test_an_attempt_that_finds_no_room_waits() -> None:
    left, waiting = placed([Taken(WHOLE), Taken(WHOLE), Taken(HALF)], {"a": BOX})
    assert waiting == 1
    assert not fits(HALF, left)


def test_an_attempt_is_counted_where_its_worker_said_that_it_is() -> None:
    nodes = {"a": {"CPU": 1.0}, "b": {"CPU": 1.0}}
    left, waiting = placed([Taken({"CPU": 1.0}), Taken({"CPU": 1.0}, "a")], nodes)
    assert (waiting, [node.free["CPU"] for node in left]) == (0, [0.0, 0.0])


def test_an_attempt_on_a_node_that_is_gone_takes_nothing_of_the_others() -> None:
    left, waiting = placed([Taken({"CPU": 1.0}, "gone")], {"a": {"CPU": 1.0}})
    assert (waiting, left[0].free["CPU"]) == (0, 1.0)


def test_asking_whether_something_fits_holds_nothing() -> None:
    node = Node.of(BOX)
    assert fits(WHOLE, [node])
    assert node == Node.of(BOX)


@pytest.mark.parametrize(
    ("request_", "resources", "many"),
    [
        ({"CPU": 1.0}, {"CPU": 4.0}, 4),
        ({"CPU": 1.5}, {"CPU": 4.0}, 2),
        (HALF, BOX, 4),
        ({"GPU": 0.6}, BOX, 2),  # one on each
        ({"GPU": 2.0}, {"GPU": 5.0}, 2),
        ({"CPU": 1.0, "license": 1.0}, {"CPU": 8.0}, 0),
        ({"CPU": 0.1}, {"CPU": 1.0}, 10),
    ],
)
def test_how_many_equal_requests_a_machine_has_room_for(request_, resources, many) -> None:
    assert count(request_, resources) == many
