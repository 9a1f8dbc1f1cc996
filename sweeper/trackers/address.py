"""This says where a tracking service lives: its URI and the pages of its UI. It loads no tracking library."""

import base64
import json
import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit

from sweeper.errors import SpecError
from sweeper.wording import redacted

SCHEMES = frozenset({"sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks"})


def tracking_uri(uri: str, store: Path) -> str:
    """Return the URI that a sweep file means: `auto` is `$MLFLOW_TRACKING_URI`, else SQLite in `store`.

    MLflow's old file store is refused: it loses data when two processes write.
    """
    if uri == "auto":
        uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{store.absolute()}"
    if not _can_be_reached(uri):
        raise SpecError(
            f"{redacted(uri)!r} is not an MLflow server or database",
            hint="write auto, sqlite:////absolute/path/mlflow.db, postgresql://... or http://host:5000",
            path="tracking.uri",
        )
    return uri


def _can_be_reached(uri: str) -> bool:
    """Say whether MLflow knows the scheme, and host and port can be read; no server is asked."""
    try:
        parts = urlsplit(uri)
        has_port = parts.port is None or parts.port > 0
    except ValueError:  # an open bracket, or a port that is no number
        return False
    scheme = parts.scheme.partition("+")[0]
    return scheme in SCHEMES and has_port and (bool(parts.hostname) or not scheme.startswith("http"))


def without_login(uri: str) -> tuple[str, str]:
    """Return a server's address without what stands before `@` or behind `?`, and a header for the former."""
    parts = urlsplit(uri)
    login, _, host = parts.netloc.rpartition("@")
    bare = urlunsplit(parts._replace(netloc=host, query="", fragment=""))
    return bare, f"Basic {base64.b64encode(unquote(login).encode()).decode()}" if login else ""


def experiment_page(base: str, experiment: str, *, view: str = "") -> str:
    """Return the UI's list of an experiment's runs, as the shared view of that name shows them.

    The UI opens for generative AI unless the address asks for training.
    """
    page = f"{base.rstrip('/')}/#/experiments/{quote(experiment)}/runs?workflowType=machine_learning"
    return f"{page}&viewStateShareKey={quote(view)}" if view else page


def compare_page(base: str, experiment: str, runs: Sequence[str]) -> str:
    """Return the UI's parallel-coordinates page of a few runs."""
    query = {
        "runs": json.dumps(list(runs)),
        "experiments": json.dumps([experiment]),
        "workflowType": "machine_learning",
    }
    return f"{base.rstrip('/')}/#/compare-runs?{urlencode(query, quote_via=quote)}"
