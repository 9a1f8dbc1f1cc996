"""Search and early stopping compared at equal cost on recorded curves.

python benchmarks/search.py record digits|groceries
"""

import argparse
import sys
from pathlib import Path

from _recorded import RECORDINGS, record


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    recording = verbs.add_parser("record")
    recording.add_argument("name", choices=list(RECORDINGS))
    recording.add_argument("--count", type=int, help="the first so many only")
    recording.add_argument("--cache", type=Path, default=Path("/tmp/sweeper-curves"))
    options = parser.parse_args()
    record(RECORDINGS[options.name], options.cache, options.count)
    return 0


if __name__ == "__main__":
    sys.exit(main())
