import math

import pytest
from parts.curve_recorder import BLOCK, NUMBERS, Arm, append, missing, part_of, read, score_table, wanted
from parts.varied_sets import EPOCHS, PAIRED, SCHEDULES, SETS, drawn

PLAIN, AVERAGED = Arm("linear", is_averaged=False), Arm("linear", is_averaged=True)


def rows(task, top1=0.5, epochs=EPOCHS):
    same = {"set": task.set, "number": task.number, "schedule": task.schedule, "config": "{}", "ema": 0.9}
    figures = {**dict.fromkeys(NUMBERS, 0.25), "top1": top1}
    return [{**same, "epoch": epoch + 1, **figures} for epoch in range(epochs)]


def test_a_recorder_goes_on_behind_what_the_parts_hold(tmp_path):
    first, second, *rest = wanted(3)
    append(tmp_path / part_of(first.number), rows(first))
    append(tmp_path / part_of(second.number), rows(second))
    (tmp_path / "part-000.writing").write_bytes(b"PAR1 and then the process was killed")

    assert missing(3, tmp_path) == rest
    assert len(read(tmp_path)) == 2 * EPOCHS


def test_a_full_part_is_not_written_again(tmp_path):
    early, late = (next(task for task in wanted(BLOCK + 1) if task.number == n) for n in (0, BLOCK))
    append(tmp_path / part_of(early.number), rows(early))
    before = (tmp_path / part_of(early.number)).read_bytes()
    append(tmp_path / part_of(late.number), rows(late))

    assert (tmp_path / part_of(early.number)).read_bytes() == before
    assert [task.number for task in (early, late)] == sorted({row["number"] for row in read(tmp_path)})


def test_every_configuration_is_trained_once_on_every_set_and_the_paired_ones_under_each_schedule():
    tasks, count = wanted(PAIRED + 2), PAIRED + 2

    assert len(tasks) == len(set(tasks))
    for name, varied in SETS.items():
        mine = [task for task in tasks if task.set == name]
        assert {task.number for task in mine} == set(range(count))
        assert len(mine) == count + (PAIRED * (len(SCHEDULES) - 1) if varied.is_paired else 0)


def test_the_first_configurations_stay_what_they_are_when_more_are_asked_for():
    assert drawn(9)[:4] == drawn(4)


def test_only_configurations_that_every_arm_has_are_compared_and_a_lost_one_counts_as_nothing(tmp_path):
    tasks = [task for task in wanted(2) if task.set == "cifar"]
    linear = [task for task in tasks if task.schedule == "linear"]
    lone = next(task for task in tasks if task.schedule == "one_cycle" and task.number == 0)
    for task in (linear[0], lone):
        append(tmp_path / "part-000.parquet", rows(task))
    lost = rows(linear[1], epochs=3)
    append(tmp_path / "part-000.parquet", [*lost[:2], {**lost[2], "top1": math.nan}])

    table = score_table(read(tmp_path), "cifar", "valid/top1", [PLAIN, AVERAGED])
    shared = score_table(read(tmp_path), "cifar", "valid/top1", [PLAIN, Arm("one_cycle", is_averaged=False)])

    assert table[PLAIN][:, -1] == pytest.approx([0.5, 0.0])
    assert table[PLAIN][1, :3] == pytest.approx([0.5, 0.5, 0.0])
    assert table[AVERAGED][0] == pytest.approx([0.25] * EPOCHS)
    assert len(shared[PLAIN]) == 1
