"""A small HTTP server for this machine alone: the metrics of a launch, the page of a watched sweep."""

import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sweeper.errors import PreflightError

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
Answer = Callable[[], str]
"""Returns the text for a path; called on a thread of the server's."""


class LoopbackServer:
    """Answers `GET` of one path on 127.0.0.1, and nothing that a web page of another address asks for."""

    def __init__(self, port: int, path: str, kind: str, answer: Answer) -> None:
        """`port` 0 takes a free one; PreflightError where it is taken. `kind` is the content type."""
        try:
            self._http = _Server(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise PreflightError(
                f"port {port} cannot be had: {error.strerror}", hint="choose another"
            ) from error
        self._http.path, self._http.kind, self._http.answer = path, kind, answer
        self.port: int = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, name="sweeper-http", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering, and free the port."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(2)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    path = kind = ""
    answer: Answer


class _Handler(BaseHTTPRequestHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]
    timeout = 5

    def do_GET(self) -> None:
        """Answer; 403 for a foreign Host (a web page must not read this), 404 for another path."""
        if self.headers.get("Host", "").rpartition(":")[0] not in _LOOPBACK:
            self.send_error(HTTPStatus.FORBIDDEN)
        elif self.path.partition("?")[0] != self.server.path:
            self.send_error(HTTPStatus.NOT_FOUND)
        else:
            body = self.server.answer().encode()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", self.server.kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: a request every few seconds is no news."""
