"""The state directory: readable by its owner alone, no secrets in it, no way out of it."""

import os
import shutil
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.scripted.workers import HANG
from tests.support.waiting import WAIT_SECONDS, wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.crew.reporting import reports
from worker_manager.domain.message import Message
from worker_manager.domain.worker import Worker
from worker_manager.errors import RuntimeUnavailable, StateUnavailable
from worker_manager.hooks import delivery, entry
from worker_manager.runtimes.tmux import environment, launch
from worker_manager.state import sessions
from worker_manager.state.layout import home_of_session, mailbox_path, state_root
from worker_manager.state.mail.mailbox import Mailbox
from worker_manager.state.workers.records import DRAFT


def message(number: int) -> Message:
    return Message(
        id=f"m{number:012d}", type="nudge", sender="s", name="n", sent="now", body="text"
    )


@pytest.mark.promise("secure-private")
def test_all_of_it_is_readable_by_its_owner_alone(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = '```steps\n[{"idle": 0}, {"complete": "done"}, {"crash": 1}]\n```'
    umask = os.umask(0)
    try:
        worker = fleet.start(StartRequest("t", steps)).worker
        wait_until(lambda: fleet.workers()[0].exit_code is not None)
        shown = delivery.take(fleet.home)
        assert shown is not None
        shown.acknowledge()
    finally:
        os.umask(umask)

    assert "[completion" in shown.text
    assert Path(fleet.records.home(worker.id), "reminders").exists()
    root = Path(state_root())
    wrong = []
    for path in [root, *root.rglob("*")]:
        with suppress(FileNotFoundError):  # its session's server may still tidy up
            mode = path.lstat().st_mode
            if not stat.S_ISLNK(mode) and mode & 0o077:
                wrong.append((str(path.relative_to(root)), oct(stat.S_IMODE(mode))))
    assert wrong == []


@pytest.mark.promise("secure-secrets")
def test_a_secret_of_the_starter_reaches_the_worker_and_nothing_else(
    fleet: Fleet, tmux_socket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "s3cr3t-of-the-starter"
    monkeypatch.setenv("MY_TOKEN", secret)
    for name in (
        "MY-ODD.TOKEN",
        "BASH_FUNC_f%%",
        "-g",
        "a b",
        "end;",
        "#{pid}",
        "ünï",
        "$x",
        "[*]",
        "\"quo'te\\",
        "new\nline",
        "~",
        os.fsdecode(b"a\xffb"),
    ):
        monkeypatch.setenv(name, secret)
    first = environment_of_a_worker(fleet)
    monkeypatch.delenv("MY_TOKEN")
    monkeypatch.setenv("MY_SECOND", secret)
    second = environment_of_a_worker(fleet)

    assert f"MY_TOKEN={secret}" in first
    assert f"MY_SECOND={secret}" in second
    assert "MY_TOKEN" not in second
    assert [path for path in Path(state_root()).rglob("*") if holds(path, secret)] == []
    command = ["tmux", "-L", tmux_socket, "show-environment", "-g"]
    left = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert secret not in left


def holds(path: Path, text: str) -> bool:
    with suppress(FileNotFoundError):  # its session's server may still tidy up
        return path.is_file() and text.encode() in path.read_bytes()
    return False


@pytest.fixture
def half_started(tmux_socket: str) -> Iterator[list[str]]:
    """tmux's command for a server whose starter has not removed its variables yet."""
    command = ["tmux", "-L", tmux_socket, "-f", os.devnull]
    environ = {**os.environ, environment.STARTER: "another", "MY_TOKEN": "s3cr3t"}
    subprocess.run([*command, "new-session", "-d", "sleep 1000"], env=environ, check=True)
    yield command
    subprocess.run([*command, "kill-server"], check=False)


def test_nothing_is_launched_beside_the_variables_of_another_starter(
    fleet: Fleet, half_started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "TIMEOUT_SECONDS", WAIT_SECONDS)
    done = threading.Event()

    def remove() -> None:
        subprocess.run([*half_started, "set-environment", "-gu", "MY_TOKEN"], check=True)
        done.set()
        subprocess.run([*half_started, "set-environment", "-gu", environment.STARTER], check=True)

    threading.Timer(0.5, remove).start()
    seen = environment_of_a_worker(fleet)

    assert done.is_set()
    assert "MY_TOKEN" not in seen
    assert "TMUX_STARTER" not in seen


def test_a_starter_that_never_ends_is_named(
    fleet: Fleet, half_started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "TIMEOUT_SECONDS", 1.0)

    with pytest.raises(RuntimeUnavailable, match="Another session began to start tmux"):
        fleet.start(StartRequest("t", "x"))

    assert fleet.workers() == []


def environment_of_a_worker(fleet: Fleet) -> str:
    """What it sees. It ends, so that what its terminal showed is on disk."""
    steps = '```steps\n[{"run": "env > seen"}, {"crash": 1}]\n```'
    worker = fleet.start(StartRequest("t", steps)).worker
    wait_until(lambda: fleet.worker(worker.id).exit_code is not None)
    return Path(worker.path, "seen").read_text("utf-8")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory of the person's own, which looks like a mailbox folder or a worker's home."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "00000000000000000001-nudge-m000000000009.mail").write_bytes(message(9).encode())
    return folder


def content(folder: Path) -> dict[str, bytes]:
    """All that lies below."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
    }


@pytest.mark.promise("secure-links")
@pytest.mark.parametrize("name", ["new", "tmp", "claimed", "pending", "read", "corrupt", ""])
def test_a_mailbox_with_a_link_in_it_is_refused_and_the_link_not_followed(
    fleet: Fleet, outside: Path, name: str
) -> None:
    box = Path(mailbox_path(fleet.home))
    mailbox = Mailbox(str(box))
    mailbox.deliver(message(1))
    if not name:
        for folder in ("new", "tmp", "claimed", "read"):
            (outside / folder).mkdir()
    shutil.rmtree(box / name, ignore_errors=True)
    (box / name).symlink_to(outside)
    before = content(outside)

    for call in (
        lambda: mailbox.deliver(message(2)),
        mailbox.claim,
        mailbox.prune,
        lambda: delivery.take(fleet.home),
    ):
        with pytest.raises(StateUnavailable, match=r"symbolic link.*Remove the link"):
            call()

    assert content(outside) == before


@pytest.mark.promise("secure-links")
def test_a_workers_home_that_is_a_link_is_not_followed(fleet: Fleet, outside: Path) -> None:
    worker = fleet.start(StartRequest("t", HANG)).worker
    home = Path(fleet.records.home(worker.id))
    kept = home.with_name("kept")
    home.rename(kept)
    shutil.copy(kept / "worker.json", outside)
    home.symlink_to(outside)
    before = content(outside)

    for call in (
        lambda: fleet.stop(worker.id),
        lambda: fleet.nudge(worker.id, "hello"),
        lambda: reports.complete(fleet.records, worker.id, "done"),
        lambda: fleet.records.update(worker.id, Worker.request_stop),
    ):
        with pytest.raises(StateUnavailable, match="symbolic link"):
            call()

    assert fleet.workers() == []
    assert content(outside) == before


def test_a_draft_that_is_a_link_is_not_emptied(fleet: Fleet, outside: Path) -> None:
    workers = Path(fleet.records.repository, "workers")
    workers.mkdir(exist_ok=True)
    (workers / f"{DRAFT}12345678").symlink_to(outside)
    os.utime(outside, (0, 0))
    before = content(outside)

    fleet.tidy()

    assert content(outside) == before


def test_notes_are_not_written_through_a_link(fleet: Fleet, outside: Path) -> None:
    worker = fleet.start(StartRequest("t", HANG)).worker
    journal = Path(fleet.records.home(worker.id), "journal.jsonl")
    journal.unlink(missing_ok=True)
    journal.symlink_to(outside / "victim")

    fleet.stop(worker.id)

    assert not (outside / "victim").exists()


def test_a_session_link_that_leads_out_is_no_home(fleet: Fleet, tmp_path: Path) -> None:
    outside = tmp_path / "away" / "orchestrators" / "0123456789ab"
    outside.mkdir(parents=True)
    link = Path(state_root(), "sessions", "session-9")
    link.symlink_to(outside)
    middle = Path(fleet.records.repository, "orchestrators", "ba9876543210")
    middle.symlink_to(outside)
    sessions.link(state_root(), "session-8", str(middle))

    assert home_of_session(state_root(), "session-9") is None
    assert home_of_session(state_root(), "session-8") is None
    assert home_of_session(state_root(), "session-1") == fleet.home
    with suppress(StateUnavailable):
        sessions.link(state_root(), "session-9", fleet.home)
    assert list(outside.iterdir()) == []


def test_what_failed_is_logged_privately_and_not_through_a_link(
    tmp_path: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "made" / "anew"
    monkeypatch.setenv("WORKER_MANAGER_STATE_DIR", str(root))
    umask = os.umask(0)
    try:
        assert entry.run("NoSuchEvent") == 0
    finally:
        os.umask(umask)

    log = root / "logs" / "hooks.log"
    assert "NoSuchEvent: KeyError" in log.read_text("utf-8")
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (root, log.parent, log)]
    assert modes == [0o700, 0o700, 0o600]
    log.unlink()
    log.symlink_to(outside / "victim")
    assert entry.run("NoSuchEvent") == 0
    assert not (outside / "victim").exists()
