"""docs/plugins.md is true: its plug-ins work as they stand there, and its table names every folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = ROOT / "tests" / "contracts"
PAGE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"<!-- module: (\S+) -->\n```python\n(.*?)```", PAGE, re.DOTALL))
ROWS = re.findall(
    r"^\| an? [^|]+ \| `(sweeper/[\w/]+/)` \|[^|]+\| (?:none yet: )?`([^`]+)` \|$", PAGE, re.MULTILINE
)

AS_IF_IN_THE_FOLDER = """
import importlib
from pathlib import Path
for folder in Path(__file__).parent.iterdir():
    if folder.name in ("models", "search"):
        importlib.import_module(f"sweeper.{folder.name}").__path__.append(str(folder))
"""


def ran(folder: Path, places: list[str], contract: Path, name: str) -> str:
    """What pytest says of the tests whose id has the plug-in's name, with the page's modules in place."""
    (folder / "conftest.py").write_text(AS_IF_IN_THE_FOLDER)
    for place in places:
        (folder / place).parent.mkdir(exist_ok=True)
        (folder / place).write_text(BLOCKS[place])
    (folder / contract.name).write_text(contract.read_text())
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        name,
        "--rootdir",
        str(folder),
    ]
    done = subprocess.run(
        [*command, *(str(path) for path in sorted(folder.glob("test_*.py")))],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_search_of_the_page_passes_its_own_test_and_the_contract(tmp_path):
    told = ran(
        tmp_path, ["search/neighbors.py", "test_neighbors.py"], CONTRACTS / "test_searchers.py", "neighbors"
    )
    assert re.search(r"^8 passed", told, re.MULTILINE), told


def test_the_network_of_the_page_passes_the_contract(tmp_path):
    told = ran(tmp_path, ["models/tiny.py"], CONTRACTS / "test_models.py", "tiny")
    assert re.search(r"^4 passed", told, re.MULTILINE), told


def test_the_table_names_every_folder_with_a_registry_and_tests_that_exist():
    folders = {
        f"{path.parent.relative_to(ROOT)}/"
        for path in (ROOT / "sweeper").rglob("__init__.py")
        if re.search(r"= Registry\(", path.read_text())
    }
    assert {folder for folder, _ in ROWS} == folders
    assert [test for _, test in ROWS if not (ROOT / test).is_file()] == []


@pytest.mark.parametrize("place", BLOCKS)
def test_a_module_of_the_page_is_formatted_and_linted_as_ours_are(place, tmp_path):
    (tmp_path / "module.py").write_text(BLOCKS[place])
    ruff = Path(sys.executable).with_name("ruff")
    config = str(ROOT / "pyproject.toml")
    for words in (("check", "--ignore", "D,INP"), ("format", "--check")):
        done = subprocess.run(
            [ruff, *words, "--config", config, str(tmp_path / "module.py")],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        assert done.returncode == 0, done.stdout
