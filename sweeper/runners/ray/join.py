"""A process of its own asks whether a running Ray lets this machine in, before the driver joins.

A driver that asks itself is retried for minutes, prints Ray's C++ log on the terminal, and dies of a
missing token without an exception.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from sweeper.errors import PreflightError
from sweeper.files import appending

ANSWER_SECONDS = 15.0
_SHORT = {
    "RAY_py_gcs_connect_timeout_s": "3",
    "RAY_gcs_rpc_server_connect_timeout_s": "2",
    "RAY_gcs_server_request_timeout_seconds": "3",
}
_ASK = """
import json, sys
import ray
from ray._private import services
from ray._private.authentication import authentication_token_setup as tokens
try:
    if sys.argv[1] == "auto":  # as `ray.init` does: it sends a token unasked to its own machine alone
        tokens.maybe_enable_token_auth_if_token_available(warn_if_disabled=False)
    address = services.canonicalize_bootstrap_address(sys.argv[1])
    if address is None:
        raise ConnectionError("no Ray runs on this machine")
    ray._raylet.GcsClient(address=address).internal_kv_get(b"session_name", b"session", timeout=3)
except BaseException as error:
    print(json.dumps([type(error).__name__, str(error)]))
"""
_TOKEN_HINT = (
    "every machine needs the same ~/.ray/auth_token (or RAY_AUTH_TOKEN_PATH) and RAY_AUTH_MODE=token"
)


def require_answer(address: str, log: Path, *, seconds: float = ANSWER_SECONDS) -> None:
    """Raise PreflightError, in one line, where no Ray answers there or it turns this machine away.

    What Ray's own client prints meanwhile goes to the file.
    """
    command = [sys.executable, "-c", _ASK, address]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env={**os.environ, **_SHORT},
        )
    except subprocess.TimeoutExpired as error:
        raise _unreachable(address, f"nothing answers within {seconds:g} s") from error
    with appending(log) as file:  # made by `quiet`
        file.write(done.stderr)
    said = done.stdout.strip().splitlines()
    if done.returncode == 0 and not said:
        return
    if "couldn't find an authentication token" in done.stderr:
        problem = "this machine has no token, and RAY_AUTH_MODE asks for one"
        raise PreflightError(problem, where=address, hint=_TOKEN_HINT)
    name, text = json.loads(said[-1]) if said else ("", f"Ray's client ended with {done.returncode}")
    if name == "AuthenticationError":
        whose = "a driver without a" if "currently 'disabled'" in text else "this machine's"
        problem = f"the cluster does not accept {whose} token"
        raise PreflightError(problem, where=address, hint=_TOKEN_HINT)
    raise _unreachable(address, str(text).strip().partition("\n")[0])


def _unreachable(address: str, reason: str) -> PreflightError:
    return PreflightError(
        f"Ray cannot be reached ({reason})", where=address, hint="`ray status` shows a cluster"
    )
