"""Put real output into the pages: the help text, and with `--demo FILE` what a run of `make demo` printed."""

import argparse
import re
from pathlib import Path

from click.testing import CliRunner

from sweeper.cli import sweeper

README = Path(__file__).parents[1] / "README.md"
DEMO = Path(__file__).parent / "demo.md"


def help_text() -> str:
    """What `sweeper --help` prints on 80 columns."""
    return CliRunner().invoke(sweeper, ["--help"], prog_name="sweeper", terminal_width=80).output


def put(page: Path, marker: str, text: str) -> None:
    """Replace the block that follows the marker."""
    before = page.read_text(encoding="utf-8")
    block = f"<!-- {marker} -->\n```\n{text.rstrip()}\n```"
    after = re.sub(rf"<!-- {marker} -->\n```\n.*?```", lambda _: block, before, flags=re.DOTALL)
    page.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", type=Path, help="a file with the output of `make demo`")
    arguments = parser.parse_args()
    put(README, "help", help_text())
    if arguments.demo:
        lines = arguments.demo.read_text(encoding="utf-8").splitlines()
        start = next(number for number, line in enumerate(lines) if line.startswith("digits: done"))
        end = next(number for number, line in enumerate(lines) if line.startswith("Knee of the front"))
        put(README, "demo head", "\n".join(lines[start : end + 1]))
        put(DEMO, "demo", "\n".join(lines[start:]))
