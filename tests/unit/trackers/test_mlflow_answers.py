"""A service at MLflow's address that answers JSON of another shape holds up nothing and ends nothing."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sweeper.store.record import OutboxRow, RowKind
from sweeper.trackers import Target, tracker
from sweeper.trackers.sender import Delivery

pytestmark = pytest.mark.slow(reason="MLflow is imported")
ROW = OutboxRow(1, 1000, RowKind.RUN, "", {"trial_key": "s", "name": "toy", "params": {}, "tags": {}})
SHAPES = [
    "[]", "7", "null", '"x"', "{}", '{"experiment": 7}', '{"experiment": []}', '{"experiment": {"tags": 3}}',
    '{"experiment": {"experiment_id": [1]}}', '{"runs": 7}', '{"unheard": {"of": 1}}', "{", "<html>", "",
]  # fmt: skip


class Outbox:
    def pending(self, limit: int = 500) -> list[OutboxRow]:
        return [ROW]

    def pending_count(self) -> int:
        return 1

    def delivered(self, ids: Any) -> None:
        raise AssertionError("nothing was confirmed")

    def close(self) -> None:
        pass


@pytest.fixture
def service() -> Iterator[ThreadingHTTPServer]:
    class Service(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(server.text.encode())  # type: ignore[attr-defined]

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("text", SHAPES)
def test_json_of_another_shape_is_said_and_tried_again_later(service: ThreadingHTTPServer, text: str) -> None:
    service.text = text  # type: ignore[attr-defined]
    target = Target(f"http://127.0.0.1:{service.server_port}", "toy", "s")
    delivery = Delivery(Outbox(), lambda: tracker["mlflow"](target))
    assert delivery.step() > 0
    assert delivery.problem
    assert delivery.step() > 0
