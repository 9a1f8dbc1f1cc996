"""Whether MLflow's copy of a sweep could go where the sweep file says; a file is checked without a record."""

from sweeper.config.spec import SweepSpec
from sweeper.errors import SpecError
from sweeper.store.paths import SweepPaths
from sweeper.trackers.address import tracking_uri


def check_tracking(spec: SweepSpec) -> None:
    """Raise SpecError, with its line, for an impossible tracking address.

    No server is asked whether it answers.
    """
    try:
        tracking_uri(spec.tracking.uri, SweepPaths.of(spec.name).mlflow)
    except SpecError as error:
        raise error.at("tracking.uri", spec.where("tracking.uri")) from error
