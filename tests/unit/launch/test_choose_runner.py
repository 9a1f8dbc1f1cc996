"""Which runner a sweep gets where nobody asked for one; this machine has no GPU."""

import pytest

from sweeper.config.run_options import RunOptions
from sweeper.launch.choose_runner import runner_text, sharing_text, with_runner
from sweeper.runners.parts.slots import Machine, Slots


@pytest.mark.parametrize(
    ("sections", "options", "expected"),
    [
        ({}, {"cpus": 2}, "ray_tune"),
        ({}, {"cpus": 1}, "subprocess"),
        ({"resources": {"concurrency": 1}}, {"cpus": 2}, "subprocess"),
        ({"resources": {"cpu": 2}}, {"cpus": 2}, "subprocess"),
        ({"resources": {"cpu": 2, "rules": [{"when": {"layers": 1}, "cpu": 1}]}}, {"cpus": 2}, "ray_tune"),
        ({"resources": {"cpu": 9999}}, {"cpus": 2}, "subprocess"),
        ({"budget": {"trials": 1}}, {"cpus": 2}, "subprocess"),
        ({}, {"cpus": 1, "address": "10.0.0.1:6379"}, "ray_tune"),
        ({}, {"cpus": 1, "runner": "ray_tune"}, "ray_tune"),
        ({}, {"cpus": 2, "runner": "local"}, "local"),
        ({"resources": {"fuse": 4}}, {"cpus": 2}, "subprocess"),
        ({"resources": {"fuse": 4}}, {"cpus": 2, "address": "10.0.0.1:6379"}, "ray_tune"),
        ({"resources": {"fuse": 1}}, {"cpus": 2}, "ray_tune"),
    ],
    ids=str,
)
def test_ray_is_started_only_where_two_trials_could_run_at_a_time(toy_spec, sections, options, expected):
    assert with_runner(toy_spec(**sections), RunOptions(**options)).runner == expected


@pytest.mark.parametrize(
    ("resources", "gpus", "is_single"),
    [
        ({}, 1, True),
        ({}, 2, False),
        ({"gpu": 0.5}, 1, False),
        ({"gpu": 0.6}, 1, True),
        ({"gpu": 2}, 2, True),
        ({"gpu": 2}, 4, False),
        ({"concurrency": 1}, 4, True),
        ({"rules": [{"when": {"layers": 1}, "gpu": 0.0}]}, 1, False),  # one on the GPU, one beside it
    ],
    ids=str,
)
def test_a_machine_has_one_slot_where_a_trial_leaves_no_room_for_another(
    toy_spec, resources, gpus, is_single
):
    node = Machine("n", "h", {"CPU": 8.0, "GPU": float(gpus)})
    assert Slots(toy_spec(resources=resources).resources, read=lambda: [node]).is_single is is_single


def test_a_line_says_who_runs_the_trials_and_how_to_choose():
    assert runner_text(RunOptions("subprocess")).endswith("without Ray (--runner subprocess)")
    assert runner_text(RunOptions("local"), 4).startswith(
        "trials run in this process, up to 4 of one kind as one"
    )
    assert "the Ray cluster at auto" in runner_text(RunOptions("ray_tune", "auto"))
    assert runner_text(RunOptions("simulated")) == ""


@pytest.mark.parametrize(
    ("gpu", "gpus", "has_daemon", "is_said"),
    [(0.25, 1, False, True), (0.25, 1, True, False), (1, 1, False, False), (0.25, 0, False, False)],
)
def test_gpus_that_are_shared_without_mps_are_told_in_a_line(
    toy_spec, tmp_path, gpu, gpus, has_daemon, is_said
):
    if has_daemon:
        (tmp_path / "control").touch()
    spec, environment = toy_spec(resources={"gpu": gpu}), {"CUDA_MPS_PIPE_DIRECTORY": str(tmp_path)}
    text = sharing_text(spec, RunOptions("ray_tune"), gpus, environment)
    assert ("nvidia-cuda-mps-control -d" in text) is is_said
    assert sharing_text(spec, RunOptions("subprocess"), gpus, environment) == ""
