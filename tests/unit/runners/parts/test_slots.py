"""What a cluster has room for, from what Ray says of its nodes; no Ray runs here."""

import pytest

from sweeper.config.resources import ResourcesSpec
from sweeper.cost.prices import GpuPrice
from sweeper.errors import PreflightError
from sweeper.runners.parts.placement import Taken
from sweeper.runners.parts.slots import LEAST_GROWTH, Machine, Slots

BIG, SMALL = {"layers": 9}, {"layers": 1}


def spec(**section) -> ResourcesSpec:
    return ResourcesSpec.model_validate(section)


def slots(*resources, grows=False, price=None, leaves_in=None, **section) -> Slots:
    nodes = [
        Machine(
            f"id{place}", f"host{place}", each, leaves_in if place == 0 else None, "head" if grows else ""
        )
        for place, each in enumerate(resources)
    ]
    return Slots(spec(**section), price, read=lambda: nodes)


def filled(room: Slots, *configs, most=100) -> int:
    """How many attempts are asked for, when their configurations come like this, over and over."""
    taken: list[Taken] = []
    while room.has_room(taken) and len(taken) < most:
        taken.append(Taken(room.request(configs[len(taken) % len(configs)])))
    return len(taken)


GPUS = {"CPU": 16.0, "GPU": 2.0}


@pytest.mark.parametrize(("gpu", "many"), [(1, 2), (0.5, 4), (0.25, 8), (0.6, 2), (2, 1)])
def test_a_fraction_of_a_gpu_lets_several_trials_share_it(gpu, many) -> None:
    room = slots(GPUS, gpu=gpu)
    assert filled(room, SMALL) == many
    assert room.share(SMALL) == gpu
    assert room.grant(SMALL, {}).share == gpu
    assert room.held() == {"host0": 2.0}


def test_each_trial_counts_with_what_its_own_configuration_asks_for() -> None:
    room = slots(GPUS, gpu=0.5, rules=[{"when": {"layers": [9]}, "gpu": 1.0}])
    assert filled(room, SMALL) == 4
    assert filled(room, BIG) == 2
    assert filled(room, BIG, SMALL, SMALL) == 3
    assert (room.grant(BIG, {}).share, room.grant(SMALL, {}).share) == (1.0, 0.5)


def test_one_trial_that_finds_no_room_waits_and_nothing_more_is_asked_for() -> None:
    room = slots(GPUS, gpu=0.5, rules=[{"when": {"layers": [9]}, "gpu": 2.0}])
    small, big = Taken(room.request(SMALL)), Taken(room.request(BIG))
    assert room.has_room([small]), "room for what is smallest"
    assert not room.has_room([small, big]), "the big one waits for the small one's GPU"
    assert room.waiting([small, big]) == 1
    assert not room.has_room([big])


def test_a_custom_resource_limits_how_many_run_at_a_time() -> None:
    assert filled(slots({"CPU": 16.0, "license": 3.0}, custom={"license": 1.0}), SMALL) == 3
    assert filled(slots({"CPU": 16.0}, custom={}, concurrency=5), SMALL) == 5


def test_a_trial_of_three_cores_is_three_slots_where_one_core_is_one() -> None:
    room = slots({"CPU": 8.0}, cpu=1.0, rules=[{"when": {"layers": [9]}, "cpu": 3.0}])
    assert (room.share(BIG), room.share(SMALL)) == (3.0, 1.0)
    assert room.held() == {"host0": 8.0}
    assert filled(room, BIG) == 3, "the third waits"


def test_the_sweep_never_holds_less_than_its_trials() -> None:
    room = slots({"CPU": 8.0}, cpu=1.0, concurrency=1, rules=[{"when": {"layers": [9]}, "cpu": 3.0}])
    assert room.held() == {"host0": 3.0}
    assert slots({"CPU": 4.0}, {"CPU": 4.0}, concurrency=2).held() == {"host0": 1.0, "host1": 1.0}


def test_a_trial_that_asks_for_no_gpu_is_billed_as_a_cpu_slot_and_at_no_price() -> None:
    room = slots(
        GPUS, gpu=1.0, rules=[{"when": {"layers": [1]}, "gpu": 0.0}], price=lambda said: GpuPrice(2.0, "t")
    )
    assert "GPU" not in room.request(SMALL)
    assert (room.grant(SMALL, {}).is_gpu, room.grant(SMALL, {}).usd_per_hour) == (False, None)
    assert (room.grant(BIG, {}).is_gpu, room.grant(BIG, {}).usd_per_hour) == (True, 2.0)


def test_nothing_new_starts_on_a_node_that_is_being_drained() -> None:
    room = slots({"CPU": 2.0}, {"CPU": 1.0}, leaves_in=30.0)
    assert filled(room, SMALL) == 1
    assert room.leaving() == {"id0": 30.0}
    assert room.held() == {"host0": 2.0, "host1": 1.0}, "both are still paid for"


def test_a_trial_that_no_node_can_hold_is_refused_before_anything_starts() -> None:
    room = slots({"CPU": 2.0}, {"CPU": 2.0}, rules=[{"when": {"layers": [9]}, "cpu": 3.0}])
    with pytest.raises(PreflightError) as caught:
        room.require_room()
    assert str(caught.value) == (
        "a trial asks for 3 CPU, but no node has more than 2; "
        "lower resources.cpu in the sweep file, or add nodes"
    )


def test_where_machines_come_for_trials_some_wait_for_them() -> None:
    head = {"CPU": 0.0}
    room = slots(head, grows=True, gpu=0.5)
    room.require_room()
    assert room.has_gpu, "no node can train yet, and the sweep wants a GPU"
    assert filled(room, SMALL) == LEAST_GROWTH
    running = [Taken(room.request(SMALL), "somewhere")] * 8
    waiting = [Taken(room.request(SMALL))] * 8
    assert room.has_room(running + waiting[:-1])
    assert not room.has_room(running + waiting)


def test_a_cluster_of_cpus_trains_on_them_whatever_the_file_wants() -> None:
    room = slots({"CPU": 4.0}, gpu=0.5)
    assert not room.has_gpu
    assert (room.share(SMALL), room.grant(SMALL, {}).is_gpu) == (1.0, False)


@pytest.mark.parametrize(
    ("instances", "usd"), [(["a", "a"], 1.0), (["a", "b"], None), (["b"], 2.0), (["unknown"], None)]
)
def test_a_worker_that_never_said_where_it_was_costs_what_every_machine_costs(instances, usd) -> None:
    """Its few seconds must not make the money of the whole sweep unknown; nor is a price guessed."""
    prices = {"a": GpuPrice(1.0, "t"), "b": GpuPrice(2.0, "t")}
    nodes = [Machine(name, name, GPUS, labels={"instance": name}) for name in instances]
    nodes.append(Machine("head", "head", {"CPU": 4.0}))
    room = Slots(spec(), lambda said: prices.get(said["labels"].get("instance")), read=lambda: nodes)
    assert room.grant(BIG, {}).usd_per_hour == usd
