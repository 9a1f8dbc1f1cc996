"""This module puts the answer's files beside the sweep's own run in MLflow."""

import tempfile
from pathlib import Path

from sweeper.files import write_atomically
from sweeper.launch.create import reopen
from sweeper.launch.tracking import target_of
from sweeper.results.ledger_file import ledger
from sweeper.results.stored_sweep import StoredSweep
from sweeper.trackers import Refused, Undelivered
from sweeper.trackers.parts.mlflow_files import upload

LEDGER = "ledger.parquet"


def tell_files(sweep: StoredSweep) -> str:
    """Upload what of them is there; return a line on what went wrong, or "". A repetition replaces them.

    The run must have been delivered before.
    """
    paths = sweep.paths
    spec, record = reopen(paths)
    target = target_of(spec, record, paths)
    record.close()
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / LEDGER
        write_atomically(rows, ledger(sweep, "parquet"))
        files = [
            path for path in (paths.front, paths.anytime, paths.report, paths.spec, rows) if path.is_file()
        ]
        try:
            upload(target, target.sweep_id, files, "sweep")
        except (Undelivered, Refused) as error:
            return f"MLflow has not taken the report, the pictures and the ledger: {error}"
    return ""
