"""Configurations that complement each other, chosen on learning curves recorded on a variety of sets.

python benchmarks/portfolio.py record      trains what the parts lack; goes on where it stopped
"""

import argparse
import sys
import time
from pathlib import Path

from parts.curve_recorder import FOLDER, record
from parts.varied_sets import COUNT


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("action", choices=["record"])
    parser.add_argument("--count", type=int, default=COUNT, help="configurations")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the archives")
    parser.add_argument("--work", type=Path, default=Path("runs/portfolio"), help="for unpacked images")
    parser.add_argument("--curves", type=Path, default=FOLDER, help="folder of the Parquet parts")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="no training begins later")
    return parser.parse_args()


def main() -> int:
    options = parsed()
    until = time.time() + 60 * options.minutes
    record(options.count, options.data, options.work, options.curves, until=until)
    return 0


if __name__ == "__main__":
    sys.exit(main())
