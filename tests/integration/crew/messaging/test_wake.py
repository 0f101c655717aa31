"""The ladder to a worker's session: real tmux, a terminal of the test's own, real mailboxes."""

import json
import os
import re
import socket
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.claude import prompt_program
from tests.support.waiting import WAIT_SECONDS, wait_until
from worker_manager.agents.claude import message_socket
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.messaging import wake
from worker_manager.crew.reporting import reports
from worker_manager.domain import identifiers
from worker_manager.domain.message import Message
from worker_manager.domain.session import Activity
from worker_manager.domain.worker import Worker
from worker_manager.hooks import delivery
from worker_manager.runtimes.tmux.runtime import Tmux
from worker_manager.state import process_identity, sessions
from worker_manager.state.layout import SERVER, mailbox_path, state_root
from worker_manager.state.mail import receipts
from worker_manager.state.mail.mailbox import Mailbox
from worker_manager.state.workers.records import now

PROGRAM = Path(prompt_program.__file__)
#: As a terminal gets them.
PASTED, ENTER, CLEAR = f"\x1b[200~{wake.LINE}\x1b[201~", "\r", "\x15"


class Terminal:
    """A worker whose session is a program of the test's own in a real tmux session."""

    def __init__(self, fleet: Fleet, repository: Path, socket_name: str, folder: Path) -> None:
        self.fleet, self.runtime, self.log = fleet, Tmux(socket_name), folder / "keys"
        # Short where nothing will come.
        self.waits = wake.Waits(0.3, 0.3, 0.3, ringing=WAIT_SECONDS, paste=WAIT_SECONDS)
        self.socket = f"/tmp/tmux-{os.getuid()}/{socket_name}"
        worker_id = identifiers.new_worker_id()
        self.worker = Worker(
            id=worker_id,
            name=identifiers.worker_name("t", worker_id),
            title="t",
            owner=fleet.owner,
            created_at=now(),
            project=str(repository),
            path=str(repository),
            agent="claude",
            session_id=str(uuid.uuid4()),
            handle=self.runtime.handle_for(f"t-{worker_id}"),
            mark=identifiers.new_mark(),
            starter=process_identity.identity(os.getpid()),
        )
        fleet.records.create(self.worker)
        self.home = fleet.records.home(worker_id)
        self.session_file = Path.home() / ".claude" / "sessions" / "none.json"

    def open(self, mood: str = "") -> None:
        """The worker's session, idle for a minute."""
        file = Path.home() / ".claude" / "sessions" / "new.json"
        command = [sys.executable, str(PROGRAM), str(self.log), str(file), mood]
        pid = self.runtime.launch(self.worker.handle, command, cwd=self.worker.path)
        wait_until(file.exists)
        self.session_file = file.with_name(f"{pid}.json")
        self.session_file.symlink_to(file)  # the program's name for it was chosen before its pid
        sessions.link_process(state_root(), pid, self.home)
        wait_until(lambda: "foot" in self.runtime.screen(self.worker.handle))

    def status(self, status: str) -> None:
        prompt_program.note_status(self.session_file.resolve(), status, time.time() - 60)

    def nudge(self, text: str = "hello") -> wake.WakeResult:
        worker, message = self.fleet.nudge(self.worker.id, text)
        return self.carry(worker, message)

    def carry(self, worker: Worker, message: Message) -> wake.WakeResult:
        return wake.ensure_delivered(self.fleet.context, worker, message, self.waits)

    def tmux(self, *arguments: str) -> None:
        assert self.runtime  # the fixture's server
        os.spawnlp(os.P_WAIT, "tmux", "tmux", "-S", self.socket, *arguments)

    @property
    def keys(self) -> str:
        return self.log.read_bytes().decode() if self.log.exists() else ""


@pytest.fixture
def terminal(
    fleet: Fleet,
    repository: Path,
    tmux_socket: str,
    tmp_path: Path,
) -> Terminal:
    return Terminal(fleet, repository, tmux_socket, tmp_path)


@contextmanager
def listening(path: Path, mode: int = 0o600) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        path.chmod(mode)
        server.listen()
        server.settimeout(WAIT_SECONDS)
        yield server


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private one, where relative names are short enough for sockets."""
    private = tmp_path / "socks"
    private.mkdir(mode=0o700)
    monkeypatch.chdir(private)
    return Path()


@pytest.mark.promise("nudge-rungs")
def test_a_line_is_typed_into_an_empty_prompt_and_the_letter_stays_in_the_mailbox(
    terminal: Terminal,
) -> None:
    terminal.open()

    outcome = terminal.nudge("the letter; `itself`")

    wait_until(lambda: ENTER in terminal.keys)
    assert terminal.keys == PASTED + ENTER
    # No hook of this session takes it.
    assert outcome == ("queued", "typed", "its session has not reacted yet")
    shown = delivery.take(terminal.home)
    assert shown is not None
    assert "the letter; `itself`" in shown.text


@pytest.mark.promise("nudge-rungs")
def test_what_the_socket_has_rung_for_is_not_typed_for(terminal: Terminal, folder: Path) -> None:
    terminal.waits = terminal.waits._replace(react=WAIT_SECONDS)
    transcript = Path(f"{terminal.home}.jsonl")
    transcript.touch()
    receipts.note_transcript(terminal.home, str(transcript))
    terminal.open()
    content = json.loads(terminal.session_file.read_text("utf-8"))
    content["messagingSocketPath"] = "./s"
    terminal.session_file.write_text(json.dumps(content), "utf-8")

    def session(server: socket.socket) -> str:
        """Takes the letter, as the hook of a prompt does, and has it in its conversation."""
        connection, _ = server.accept()
        shown = delivery.take(terminal.home)
        assert shown is not None
        shown.acknowledge()
        (letter,) = re.findall(r"\[nudge (m\w+)\]", shown.text)
        transcript.write_text(f'{{"type": "user", "text": "{letter}"}}\n{{"type": "assistant"}}\n')
        with connection:
            return connection.makefile().read()

    with listening(folder / "s") as server, ThreadPoolExecutor(1) as pool:
        line = pool.submit(session, server)
        outcome = terminal.nudge()

    assert outcome == ("seen", "socket", "")
    assert wake.LINE in line.result()
    assert terminal.keys == ""


@pytest.mark.promise("nudge-draft")
@pytest.mark.parametrize(
    ("mood", "reason", "keys"),
    [
        ("draft", "a draft stands in its prompt", ""),
        ("elsewhere", "its terminal shows no prompt", ""),
        ("swallows", "its prompt did not take our line", PASTED),
        ("typing", "its prompt did not take our line", PASTED),
        ("dialog", "its prompt did not take our line", PASTED),
        (
            "wakes",
            "it works, and reads it with its next tool call or at the end of its turn",
            PASTED + CLEAR,
        ),
    ],
)
def test_enter_is_pressed_only_where_our_line_alone_stands_in_an_idle_prompt(
    terminal: Terminal, mood: str, reason: str, keys: str
) -> None:
    if keys == PASTED:  # and nothing comes of it
        terminal.waits = terminal.waits._replace(paste=0.5)
    terminal.open(mood)

    outcome = terminal.nudge()

    assert outcome == ("queued", "", reason)
    wait_until(lambda: terminal.keys == keys)


def test_a_line_that_a_killed_ring_has_left_is_sent(terminal: Terminal) -> None:
    terminal.open("left over")

    assert terminal.nudge().channel == "typed"
    wait_until(lambda: terminal.keys == ENTER)


def test_of_several_nudges_one_types_at_a_time(terminal: Terminal) -> None:
    terminal.open()
    letters = [terminal.fleet.nudge(terminal.worker.id, f"hello {number}") for number in range(3)]

    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(lambda letter: terminal.carry(*letter), letters))

    assert [outcome.channel for outcome in outcomes] == ["typed"] * 3
    wait_until(lambda: terminal.keys.count(ENTER) == 3)
    assert terminal.keys == (PASTED + ENTER) * 3


@pytest.mark.promise("nudge-draft")
@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("busy", "it works, and reads it with its next tool call or at the end of its turn"),
        ("waiting", "a dialog is open at its terminal (unknown)"),
        ("", "its session does not say what it does"),
    ],
)
def test_nothing_is_typed_into_a_session_that_is_not_idle(
    terminal: Terminal, status: str, reason: str
) -> None:
    terminal.open()
    terminal.status(status)

    assert terminal.nudge() == ("queued", "", reason)
    assert terminal.keys == ""


@pytest.mark.promise("nudge-draft")
def test_nothing_is_typed_while_somebody_scrolls(terminal: Terminal) -> None:
    terminal.open()
    target = f"={terminal.worker.handle.rpartition(':')[2]}:"
    terminal.tmux("copy-mode", "-t", target)

    assert terminal.nudge() == ("queued", "", "somebody scrolls in its terminal")
    assert terminal.runtime.press(terminal.worker.handle, "Enter") is False
    terminal.tmux("send-keys", "-t", target, "-X", "cancel")
    assert terminal.runtime.press(terminal.worker.handle, "Enter") is True
    wait_until(lambda: terminal.keys == ENTER)


def test_a_session_that_has_just_become_idle_is_left_alone_for_a_while(
    terminal: Terminal,
) -> None:
    terminal.waits = terminal.waits._replace(calm=1.0)
    terminal.open()
    idle_since = time.time()
    prompt_program.note_status(terminal.session_file.resolve(), "idle", idle_since)

    terminal.nudge()

    wait_until(lambda: terminal.keys.endswith(ENTER))
    assert os.stat(terminal.log).st_mtime - idle_since > 1.0


@pytest.mark.promise("nudge-fate")
def test_a_letter_that_a_hook_takes_meanwhile_rings_no_more(
    terminal: Terminal,
) -> None:
    terminal.open()
    worker, message = terminal.fleet.nudge(terminal.worker.id, "hello")
    shown = delivery.take(terminal.home)
    assert shown is not None
    shown.acknowledge()

    Path(terminal.home, SERVER).write_text("1", "utf-8")
    assert terminal.carry(worker, message) == ("delivered", "hook", "")
    assert terminal.keys == ""


@pytest.mark.promise("nudge-fate")
def test_an_answer_that_the_asking_call_takes_came_by_it(terminal: Terminal) -> None:
    question = reports.ask(terminal.fleet.records, terminal.worker.id, "tea?")
    worker, message = terminal.fleet.nudge(terminal.worker.id, "yes")
    Path(terminal.home, SERVER).write_text(str(os.getpid()), "utf-8")
    claim = reports.take_answer(terminal.home, question.message_id)
    assert claim is not None
    claim.acknowledge()

    assert terminal.carry(worker, message) == ("delivered", "ask", "")


def test_a_terminal_that_is_gone_or_unknown_is_said(terminal: Terminal) -> None:
    terminal.open()
    worker, message = terminal.fleet.nudge(terminal.worker.id, "hello")
    terminal.tmux("kill-server")

    assert terminal.runtime.look(worker.handle) is None
    outcome = terminal.carry(worker, message)
    assert (outcome.state, outcome.reason) == ("queued", "its terminal is gone")


@pytest.mark.promise("nudge-once")
def test_the_same_text_with_the_same_key_is_one_message(terminal: Terminal) -> None:
    mailbox = Mailbox(mailbox_path(terminal.home))

    def sent(text: str, key: str) -> str:
        return terminal.fleet.nudge(terminal.worker.id, text, key=key)[1].id

    first = sent("hello", "k1")
    assert sent("hello", "k1") == first
    assert mailbox.waiting() == [name for name in mailbox.waiting() if first in name]
    shown = delivery.take(terminal.home)
    assert shown is not None
    shown.acknowledge()
    assert sent("hello", "k1") == first  # also once it was shown
    assert mailbox.waiting() == []

    assert len({first, sent("hello", "k2"), sent("hallo", "k1"), sent("hello", "")}) == 4
    assert len(mailbox.waiting()) == 3


def send_to(socket: str, text: str) -> bool:
    return message_socket.send(Activity("idle", "", 0.0, socket), text)


def test_the_message_socket_takes_one_line(folder: Path) -> None:
    path = folder / "s"
    with listening(path) as server:
        assert send_to(f"./{path}", 'say "hi"\n')
        connection, _ = server.accept()
        with connection:
            line = connection.makefile().read()

    assert line == '{"type": "user", "message": {"role": "user", "content": "say \\"hi\\"\\n"}}\n'


def test_only_a_private_socket_in_a_private_folder_is_spoken_to(folder: Path) -> None:
    with listening(folder / "open", 0o666), listening(folder / "good"):
        (folder / "link").symlink_to("good")
        (folder / "file").touch()
        refused = [send_to(f"./{name}", "x") for name in ("open", "link", "file", "no")]
        assert refused == [False] * 4
        assert send_to("./good", "x") is True
        folder.resolve().chmod(0o777)
        assert send_to("./good", "x") is False
    assert send_to("./good", "x") is False  # nobody listens any more
