"""CONTRIBUTING.md maps the tree as it is."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_map_names_everything_at_the_top_of_the_package_and_nothing_else():
    table = PAGE.partition("<!-- map -->")[2].partition("<!-- /map -->")[0]
    mapped = re.findall(r"^\| `([\w.]+/?)` \|", table, re.MULTILINE)
    top = (path for path in (ROOT / "sweeper").iterdir() if path.is_dir() or path.suffix == ".py")
    assert sorted(mapped) == sorted(
        f"{path.name}/" if path.is_dir() else path.name for path in top if not path.name.startswith("_")
    )
