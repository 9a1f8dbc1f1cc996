"""Notices reach a chat or a program, or their loss is said; nobody waits, and no secret is printed."""

import http.server
import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from sweeper.config.user_config import NoticeTarget
from sweeper.trackers import notifier as module
from sweeper.trackers.notifier import MOST_WAITING, Message, Notifier

NOTICE = Message("digits", "best", "digits: new best <98 %> & @everyone")


@dataclass
class Service:
    """A web service on this machine: what it heard, and what it answers, one code a request."""

    port: int = 0
    codes: list[int] = field(default_factory=list)
    heard: list[dict] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    hangs: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook/s3cr3t-t0ken"


@pytest.fixture
def service() -> Iterator[Service]:
    state = Service()
    state.hangs.set()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.paths.append(self.path)
            state.heard.append(json.loads(body))
            state.hangs.wait(60)
            self.send_response(state.codes.pop(0) if state.codes else 200)
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield state
    state.hangs.set()
    server.shutdown()
    server.server_close()
    thread.join()


def told(target: dict, *notices: Message, waits=(0.0, 0.0, 0.0), seconds: float = 30) -> list[str]:
    """Tell them all, and return the problems."""
    line = Notifier([NoticeTarget.model_validate(target)], waits)
    for notice in notices or (NOTICE,):
        line.send(notice)
    line.close(seconds)
    return line.problems()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("slack", {"text": "digits: new best &lt;98 %&gt; &amp; @everyone"}),
        ("discord", {"content": NOTICE.text, "allowed_mentions": {"parse": []}}),
        ("webhook", {"sweep": "digits", "event": "best", "text": NOTICE.text}),
    ],
)
def test_each_service_gets_its_own_form(service: Service, kind: str, body: dict) -> None:
    assert told({kind: service.address}) == []
    assert service.heard == [body]
    assert service.paths == ["/hook/s3cr3t-t0ken"]


def test_teams_gets_a_card(service: Service) -> None:
    assert told({"teams": service.address}) == []
    (card,) = service.heard[0]["attachments"]
    assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert card["content"]["body"] == [{"type": "TextBlock", "text": NOTICE.text, "wrap": True}]


def test_a_service_that_is_down_for_a_moment_is_told_again(service: Service) -> None:
    service.codes = [500, 503, 429]
    assert told({"slack": service.address}) == []
    assert len(service.heard) == 4


def test_a_service_that_stays_down_is_given_up_and_the_secret_is_not_said(service: Service) -> None:
    service.codes = [500] * 4
    (problem,) = told({"slack": service.address})
    assert problem == "notify: slack at 127.0.0.1: answers 500: `best` is not told, the sweep goes on"
    assert len(service.heard) == 4


@pytest.mark.parametrize("code", [400, 403, 404])
def test_what_the_service_refuses_is_not_repeated(service: Service, code: int) -> None:
    service.codes = [code]
    assert f"answers {code}" in told({"slack": service.address})[0]
    assert len(service.heard) == 1


def test_no_redirection_is_followed(service: Service) -> None:
    service.codes, service.headers = [302], {"Location": f"http://127.0.0.1:{service.port}/elsewhere"}
    assert "answers 302" in told({"webhook": service.address})[0]
    assert service.paths == ["/hook/s3cr3t-t0ken"]


def test_a_service_that_hangs_holds_up_neither_the_sender_nor_another_target(service: Service) -> None:
    service.hangs.clear()
    hung = NoticeTarget.model_validate({"slack": service.address})
    other = NoticeTarget.model_validate({"command": ["true"]})
    lines = Notifier([hung, other])
    for _ in range(MOST_WAITING + 10):
        lines.send(NOTICE)
    lines.close(0.5)
    assert len(service.heard) <= 1, "neither waited for an answer"
    problems = [each for each in lines.problems() if "slack" in each]
    assert any("wait already: `best` is left out" in each for each in problems)
    assert any("does not answer in time: " in each for each in problems)
    assert "s3cr3t" not in " ".join(problems)


def test_nobody_there_is_said_without_the_address() -> None:
    (problem,) = told({"discord": "http://127.0.0.1:9/s3cr3t"}, waits=())
    assert problem.startswith("notify: discord at 127.0.0.1: cannot be reached (Connection refused)")
    assert "s3cr3t" not in problem


def test_a_program_gets_the_text_and_the_names(tmp_path) -> None:
    out = tmp_path / "out"
    script = f"import os,sys; open({str(out)!r}, 'w').write(sys.stdin.read() + os.environ['SWEEPER_EVENT'])"
    assert told({"command": [sys.executable, "-c", script]}) == []
    assert out.read_text() == f"{NOTICE.text}best"


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (["/no/such/program"], "No such file or directory"),
        (["false"], "ends with 1"),
        (["sleep", "60"], "takes more"),
    ],
)
def test_a_program_that_fails_is_said(monkeypatch, command: list[str], problem: str) -> None:
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.2)
    assert problem in told({"command": command}, waits=())[0]
