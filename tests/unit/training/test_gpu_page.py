"""`make gpu` without a GPU: its refusal, its table, and that what it measures runs."""

import subprocess
from pathlib import Path

import pytest
import torch
from gpu import Noise, epoch_seconds, main, pack_gain, start_seconds
from parts.gpu_page import Figure, write

ROOT = Path(__file__).parents[3]
CPU = torch.device("cpu")
PAGE = "# On a GPU\n\n<!-- figures -->\nNo GPU has run this yet.\n<!-- /figures -->\n\nMore.\n"


@pytest.fixture
def page(tmp_path) -> Path:
    path = tmp_path / "gpu.md"
    path.write_text(PAGE)
    return path


def test_without_a_gpu_one_line_says_so_and_nothing_is_written(page, capsys):
    assert main(["--page", str(page)], is_there=lambda: False) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "torch sees no GPU on this machine" in printed.err
    assert page.read_text() == PAGE


def test_make_gpu_runs_it():
    # as `make test` calls it, a make within a make says where it is
    words = ["make", "--no-print-directory", "-n", "gpu"]
    told = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert told.rstrip().endswith("benchmarks/gpu.py")


def test_the_table_takes_the_place_of_what_stood_between_the_marks(page):
    figures = [
        Figure("an epoch", 0.0934, "s", 0.12, runs=5),
        Figure("eager", 0.31, "s", 0.25, runs=5),
        Figure("a pack", None, "x", 4.0, at_most=False, note="this version trains no packs"),
        Figure("a pack of two", 4.5, "x", 4.0, at_most=False),
        Figure("to 94 %", 12.0, "s"),
    ]
    told = {"device": "NVIDIA Imagined", "torch": "9.9"}
    for _ in range(2):
        write(page, figures, told, "2031-02-03")
    assert page.read_text() == (
        "# On a GPU\n\n<!-- figures -->\n"
        "Measured on 2031-02-03 by `make gpu`: device NVIDIA Imagined, torch 9.9.\n\n"
        "| figure | measured | aim | met | runs |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| an epoch | 0.0934 s | at most 0.12 s | yes | 5 |\n"
        "| eager | 0.31 s | at most 0.25 s | no | 5 |\n"
        "| a pack | not measured: this version trains no packs | at least 4 x |  |  |\n"
        "| a pack of two | 4.5 x | at least 4 x | yes | 1 |\n"
        "| to 94 % | 12 s |  |  | 1 |\n"
        "<!-- /figures -->\n\nMore.\n"
    )


def test_a_page_without_marks_is_left_alone(page):
    page.write_text("nothing\n")
    with pytest.raises(SystemExit, match="put both where the table belongs"):
        write(page, [], {}, "")
    assert page.read_text() == "nothing\n"


@pytest.mark.slow(reason="trains the study's network for two epochs and starts it twice")
def test_what_it_measures_runs(recorded_graphs):
    data = Noise(256, 16)
    graphs = recorded_graphs()
    data.rows["valid"] = data.rows["train"]
    assert epoch_seconds(data, CPU, graphs=graphs, epochs=3) > 0
    assert graphs.made[0].replays == 3
    assert epoch_seconds(data, CPU, graphs=None, epochs=2) > 0
    assert start_seconds(data, CPU, starts=1) > 0
    assert pack_gain(data, CPU, members=2, epochs=2) > 0
