"""What the person does to workers from the live view: in the owner's name, never blocking it."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import git
from tests.integration.crew.messaging.dialogs.session import ASK, BASH, WRITE, Session, decided
from tests.support.scripted.workers import recorded_worker, running_worker
from tests.support.terminals.watching import Watched, script, watching
from tests.support.waiting import wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.crew.repository import Repository
from worker_manager.domain.worker import Status, Worker
from worker_manager.runtimes.tmux import client

pytestmark = pytest.mark.anyio


@pytest.fixture
def session(repository: Path, fleet: Fleet) -> Iterator[Session]:
    worker = recorded_worker(fleet, repository, agent="claude", status=Status.RUNNING)
    session = Session(fleet, worker)
    yield session
    session.end()


def completed_worker(fleet: Fleet, text: str = "new\n") -> Worker:
    steps = script(
        {"write": {"path": "new.txt", "text": text}}, {"commit": "Add"}, {"complete": "Done."}
    )
    worker = fleet.start(StartRequest("Add it", steps)).worker
    wait_until(lambda: fleet.worker(worker.id).status is Status.COMPLETED)
    return fleet.worker(worker.id)


def in_a_tmux(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, new_window: str) -> None:
    """The person's terminal is a pane of a tmux that does this when a window is wanted."""
    fake = tmp_path / "bin" / "tmux"
    fake.parent.mkdir()
    real = next(p for p in os.environ["PATH"].split(":") if os.path.exists(f"{p}/tmux"))
    opened = f'[ "$1" = new-window ] && {{ {new_window}; exit 0; }}'
    fake.write_text(f'#!/bin/sh\n{opened}\nexec {real}/tmux "$@"\n', "utf-8")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("TMUX", "/somewhere,1,0")


async def choose(view: Watched, letter: str, button: str) -> None:
    """A letter, and Enter once its button has been reached."""
    await view.press(letter)
    await view.until(lambda: getattr(view.app.focused, "id", "") == button, button)
    await view.press("enter")


async def test_a_question_is_answered_in_a_box_that_shows_it(
    fleet: Fleet, watched: Repository
) -> None:
    steps = script({"ask": "Which greeting?"}, {"complete": "It says {answer}."})
    worker = fleet.start(StartRequest("Greet", steps)).worker
    wait_until(lambda: fleet.worker(worker.id).status is Status.ASKING)

    async with watching(watched) as view:
        await view.press("y")
        await view.sees("Greet asks", "Which greeting?")
        await view.type("Good morning")
        await view.until(
            lambda: fleet.worker(worker.id).status is Status.COMPLETED, "its completion"
        )

    report = fleet.worker(worker.id).report
    assert report is not None
    assert "It says Good morning." in report.text


@pytest.mark.parametrize(
    ("letter", "button", "behavior"),
    [("a", "choose-a", "allow"), ("d", "choose-d", "deny")],
)
async def test_a_permission_is_shown_with_its_exact_input_and_decided(
    session: Session, watched: Repository, letter: str, button: str, behavior: str
) -> None:
    hook, _ = session.open(BASH)

    async with watching(watched) as view:
        await view.sees("! blocked")
        await view.press("y")
        await view.sees("asks for permission", json.dumps(BASH["tool_input"]["command"]))
        await choose(view, letter, button)
        await view.sees("goes on with your answer")

    assert decided(hook)["behavior"] == behavior


async def test_a_denial_may_say_why(session: Session, watched: Repository) -> None:
    hook, _ = session.open(BASH)

    async with watching(watched) as view:
        await view.press("y")
        await choose(view, "w", "choose-w")
        await view.sees("Why not")
        await view.type("use make")
        await view.sees("goes on with your answer")

    assert decided(hook) == {"behavior": "deny", "message": "use make"}


async def test_a_letter_alone_decides_nothing(session: Session, watched: Repository) -> None:
    session.open(BASH)

    async with watching(watched) as view:
        await view.press("y")
        await view.sees("asks for permission")
        await view.press("a", "escape")

    assert session.record.status is Status.BLOCKED
    assert len(session.open_ids) == 1


async def test_a_question_at_its_terminal_is_answered(
    session: Session, watched: Repository
) -> None:
    hook, _ = session.open(ASK)

    async with watching(watched) as view:
        await view.press("y")
        await view.sees("Which color?")
        await view.type("blue")
        await view.sees("goes on with your answer")

    assert decided(hook)["updatedInput"]["answers"] == {"Which color?": "Blue"}


async def test_stop_asks_first_and_undo_goes_on(fleet: Fleet, watched: Repository) -> None:
    worker = running_worker(fleet)

    async with watching(watched) as view:
        await view.press("s")
        await view.sees("Stop t?")
        await view.press("escape")
        assert fleet.worker(worker.id).status is Status.RUNNING

        await view.press("s")
        await choose(view, "n", "choose-n")
        await view.sees("is stopped")
        assert fleet.worker(worker.id).status is Status.STOPPED

        await view.press("u")
        await choose(view, "u", "choose-u")
        await view.sees("goes on in")
        await view.until(lambda: fleet.worker(worker.id).status is Status.RUNNING, "the restart")


async def test_merge_clean_and_undo_bring_its_work_home_and_back(
    fleet: Fleet, watched: Repository, repository: Path
) -> None:
    worker = completed_worker(fleet)

    async with watching(watched) as view:
        await view.sees("1 commit")
        await view.press("m")
        await view.sees("into main: 1 commit, 1 file", "(s) squash")
        await choose(view, "s", "choose-s")
        await view.sees("is in main (squash")
        assert (repository / "new.txt").read_text("utf-8") == "new\n"
        await view.press("escape")

        await view.press("c")
        await view.sees("Clean Add it?", "Worktree, branch and terminal go")
        await choose(view, "c", "choose-c")
        await view.sees("No worker fits", "Cleaned add-it")
        assert not os.path.isdir(worker.path)

        await view.press("h")
        await view.sees("cleaned")
        await view.press("u")
        await choose(view, "u", "choose-u")
        await view.sees("goes on in")
        assert os.path.isdir(worker.path)


async def test_what_is_refused_is_said_in_words_for_people(
    fleet: Fleet, watched: Repository, repository: Path
) -> None:
    completed_worker(fleet, "theirs\n")
    (repository / "new.txt").write_text("ours\n", "utf-8")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "ours")

    async with watching(watched) as view:
        await view.press("c")
        await view.sees("its branch is not merged into main: merge it first")
        await view.press("m")
        await choose(view, "m", "choose-m")
        await view.sees("in conflict with main", "nudge (n)")


async def test_a_message_to_one_whose_session_has_ended_is_one_sentence(
    fleet: Fleet, watched: Repository
) -> None:
    recorded_worker(fleet, watched.directory, title="fell", status=Status.FAILED, exit_code=1)

    async with watching(watched) as view:
        await view.press("n")
        await view.type("go on")
        await view.sees("reads no more messages", "undo (u)")


async def test_a_worker_that_completes_while_it_is_written_to_is_told(
    fleet: Fleet, watched: Repository, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    wait = f"while [ ! -e {go} ]; do sleep 0.05; done"
    steps = script({"run": wait}, {"complete": "Done."})
    worker = fleet.start(StartRequest("t", steps)).worker
    wait_until(lambda: fleet.worker(worker.id).status is Status.RUNNING)

    async with watching(watched) as view:
        await view.sees("running")
        await view.press("n")
        await view.sees("A message to t")
        go.touch()
        await view.sees("Meanwhile it is completed (it was running).")
        await view.press("escape")
        await view.sees("completed")


async def test_keys_without_a_worker_say_so(watched: Repository) -> None:
    async with watching(watched) as view:
        for key in ("a", "n", "y", "s", "m", "c", "u"):
            await view.press(key)

        await view.sees("There is no worker to do that with.")


async def test_inside_of_tmux_attach_opens_a_window(
    fleet: Fleet,
    watched: Repository,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    person_socket: str,
) -> None:
    worker = running_worker(fleet)
    told = tmp_path / "told"
    in_a_tmux(monkeypatch, tmp_path, new_window=f'printf "%s\\n" "$@" > {told}')

    async with watching(watched) as view:
        await view.press("a")
        await view.sees(f"Your tmux shows {worker.name}.")

    asked = told.read_text("utf-8").splitlines()
    assert asked[asked.index("--") + 1 :] == [
        *("env", "-u", "TMUX", "-u", "TMUX_PANE"),
        *fleet.attach_command(worker),
    ]


async def test_a_tmux_of_the_persons_that_hangs_is_told(
    fleet: Fleet, watched: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    running_worker(fleet)
    in_a_tmux(monkeypatch, tmp_path, new_window="exec sleep 60")
    monkeypatch.setattr(client, "SECONDS", 0.2)

    async with watching(watched) as view:
        await view.press("a")
        await view.sees("tmux opened no window: it did not answer within 0.2 s.")


async def test_no_window_is_opened_for_one_without_a_terminal(
    fleet: Fleet, watched: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recorded_worker(fleet, watched.directory, status=Status.FAILED, exit_code=1)
    in_a_tmux(monkeypatch, tmp_path, new_window="exit 0")

    async with watching(watched) as view:
        await view.press("a")
        await view.sees("has no terminal now; undo (u) makes a new one.")


async def test_a_dialog_that_nobody_can_read_here_is_left_to_its_terminal(
    session: Session, fleet: Fleet, watched: Repository
) -> None:
    first, _ = session.open(BASH)
    session.open(WRITE)
    for name in fleet.mailbox.waiting():
        os.unlink(fleet.mailbox.folder("new", name))

    async with watching(watched) as view:
        await view.press("y")
        await view.sees("given at its terminal only")

    assert first.poll() is None
    assert len(session.open_ids) == 2
