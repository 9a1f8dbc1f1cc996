"""What the command line does where none of the optional packages is installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
BARE = """
import sys
sys.modules.update(dict.fromkeys(["timm", "onnx", "onnxscript", "onnxruntime", "psycopg", "pynvml"]))
from sweeper.cli import run
sweep = ["-o", "name=bare", "-o", "budget={trials: 2}", "--yes"]
assert run(["validate", "search_spaces/digits.yaml"]) == 0
assert run(["launch", "search_spaces/digits.yaml", "--runner", "simulated", *sweep]) == 0
assert run(["best", "bare"]) == 0
sys.exit(run(["export", "bare", "--format", "onnx"]))
"""


@pytest.mark.slow(reason="starts Python anew, and there imports torch")
def test_only_what_needs_an_extra_fails_and_names_the_command_that_installs_it(tmp_path):
    places = {"SWEEPER_RUNS": str(tmp_path / "runs"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", BARE], cwd=ROOT, env=os.environ | places, capture_output=True, text=True
    )
    needed = "the format onnx needs onnx, onnxscript, onnxruntime; pip install 'sweeper[onnx]'"
    assert done.stderr.strip().splitlines()[-1] == f"error: {needed}", done.stderr
    assert done.returncode == 2
