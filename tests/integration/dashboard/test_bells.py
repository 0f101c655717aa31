"""How the person hears that a worker needs them."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.support.scripted.workers import recorded_worker
from tests.support.terminals.watching import repository_at, watching
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.repository import Repository
from worker_manager.dashboard import bells, webhook
from worker_manager.dashboard.bells import Bells, Event
from worker_manager.domain.worker import Report, Status, Worker
from worker_manager.state.workers.records import now
from worker_manager.views.gatherer import Gatherer

EVENT = Event("12345678", "n", "Greet", "asking", "Which one?")


class Hook(HTTPServer):
    """Keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[dict[str, str]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(json.loads(body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def asks(worker: Worker) -> Worker:
    return worker.ask(Report("m1", "question", "Which $(touch x) `one`?", "2026-01-01T00:00:00Z"))


@pytest.mark.anyio
@pytest.mark.promise("watch-ring")
async def test_an_event_rings_once_by_command_and_webhook(
    fleet: Fleet, repository: Path, tmux_socket: str, tmp_path: Path, hook: Hook
) -> None:
    log = tmp_path / "rung"
    ways = {
        "NOTIFY_COMMAND": f'printf "%s\\n" "$1" >>{log}; cat >>{log}.json',
        "NOTIFY_WEBHOOK": f"http://127.0.0.1:{hook.server_port}/",
    }
    old = recorded_worker(fleet, repository, title="Old", status=Status.RUNNING)
    fleet.records.update(old.id, asks)
    worker = recorded_worker(fleet, repository, title="Greet", status=Status.RUNNING)

    async with watching(repository_at(repository, tmux_socket, **ways)) as view:
        await view.sees("2 workers, 1 needs you")
        fleet.records.update(worker.id, asks)
        await view.sees("Greet asks: Which $(touch x) `one`?")
        await view.until(lambda: len(hook.got) == 1, "the webhook")
        fleet.records.update(worker.id, lambda one: one.adopt("another", at="t"))  # another record
        await view.until(lambda: view.app.gathered.sightings[1].worker.owner == "another", "it")

    assert log.read_text("utf-8") == "Greet asks: Which $(touch x) `one`?\n"
    assert json.loads(Path(f"{log}.json").read_text("utf-8"))["id"] == worker.id
    assert [one["id"] for one in hook.got] == [worker.id]
    assert not os.path.exists("x")


@pytest.mark.anyio
async def test_a_command_that_fails_is_told(
    fleet: Fleet, repository: Path, tmux_socket: str
) -> None:
    worker = recorded_worker(fleet, repository, title="Greet", status=Status.RUNNING)
    ways = {"NOTIFY_COMMAND": "echo broken >&2; exit 3"}

    async with watching(repository_at(repository, tmux_socket, **ways), (120, 30)) as view:
        await view.sees("1 worker")
        fleet.records.update(worker.id, asks)
        await view.sees("ended with 3: broken.")


@pytest.mark.parametrize(
    ("address", "said"),
    [("ftp://x/", "is no http or https address"), ("http://127.0.0.1:1/", "failed")],
)
def test_a_webhook_that_can_not_be_reached_is_one_sentence(address: str, said: str) -> None:
    wrong = webhook.post(address, {**EVENT._asdict()})

    assert said in wrong
    assert address in wrong


def test_the_terminal_is_asked_in_its_own_code_and_through_tmux(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    event = EVENT._replace(text="evil \x07\x1b]0;t\x07")
    assert bells.escape_code(event) == "\x1b]9;Greet asks: evil ]0;t\x07"

    monkeypatch.setenv("TMUX", "/x,1,0")
    assert bells.escape_code(EVENT) == "\x1bPtmux;\x1b\x1b]9;Greet asks: Which one?\x07\x1b\\"


def test_when_a_whole_crew_falls_it_rings_once(fleet: Fleet, watched: Repository) -> None:
    for n in range(6):
        recorded_worker(fleet, watched.directory, title=f"w{n}", status=Status.RUNNING)
    gatherer, known = Gatherer(watched), Bells()
    assert known.new(gatherer.gather().sightings) == []

    for worker in fleet.records.all():
        fleet.records.update(worker.id, lambda one: one.end(at=now(), reason="killed"))
    (event,) = known.new(gatherer.gather().sightings)

    assert event.sentence == ("A crew of 6 workers is waiting for you: w0, w1, w2 and 3 more")
    assert known.new(gatherer.gather().sightings) == []
