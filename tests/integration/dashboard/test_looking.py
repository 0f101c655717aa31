"""What the live view shows, and that it only looks."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.conftest import make_fleet
from tests.support.scripted.workers import recorded_worker, take_mail
from tests.support.terminals.watching import files_below, repository_at, script, watching
from tests.support.waiting import wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.crew.messaging import outbox
from worker_manager.crew.reporting import reports
from worker_manager.crew.repository import Repository
from worker_manager.dashboard.letters import Letters
from worker_manager.domain import message
from worker_manager.domain.worker import Report, Status
from worker_manager.state.layout import state_root
from worker_manager.state.workers.records import now

pytestmark = pytest.mark.anyio


async def test_without_workers_it_says_how_to_start_one(watched: Repository) -> None:
    async with watching(watched) as view:
        await view.sees("No worker here yet", "start a worker to", "? shows the keys")


@pytest.mark.promise("watch-need")
async def test_those_that_need_the_person_stand_on_top_and_are_marked(
    fleet: Fleet, repository: Path, watched: Repository
) -> None:
    recorded_worker(fleet, repository, title="works", status=Status.RUNNING)
    recorded_worker(fleet, repository, title="is done", status=Status.COMPLETED)
    report = Report("m1", "question", "Which one?", "2026-01-01T00:00:00+00:00")
    recorded_worker(fleet, repository, title="asks", status=Status.ASKING, report=report)
    recorded_worker(fleet, repository, title="fell", status=Status.FAILED, reason="exit code 3")

    async with watching(watched) as view:
        await view.sees("4 workers, 2 need you", "Which one?", "exit code 3")

        assert view.titles == ["asks", "fell", "works", "is done"]
        marked = [line for line in view.screen.splitlines() if line.startswith("! ")]
        assert [line.split()[1] for line in marked] == ["asking", "failed"]


async def test_every_column_fits_at_80_by_24_whatever_the_title(
    fleet: Fleet, repository: Path, watched: Repository
) -> None:
    titles = ["plain", "日本語の長い題名はここで切れるはずです", "e\u0301" * 60, "x" * 200]
    for title in titles:
        recorded_worker(fleet, repository, title=title, status=Status.RUNNING)

    async with watching(watched) as view:
        await view.sees("4 workers")
        lines = view.app.screen._compositor.render_strips()[1:6]

        assert {line.cell_length for line in lines} == {80}
        assert lines[0].text.rstrip().endswith("age tokens   cost     lines")
        # Behind title and doing the age ends in the same cell for all.
        assert [line.crop(54, 56).text for line in lines[1:]] == ["s "] * 4


async def test_what_a_worker_wrote_is_shown_as_it_is_and_without_control_characters(
    fleet: Fleet, repository: Path, watched: Repository
) -> None:
    title = "[red]x[/] \x1b[31m\x07[link=file:///]y"
    reason = "[bold]because[/bold] \x1b]0;owned\x07"
    recorded_worker(fleet, repository, title=title, status=Status.FAILED, reason=reason)

    async with watching(watched, size=(120, 40)) as view:
        await view.sees("[red]x[/] [31m[link=file:///]y", "[bold]because[/bold] ]0;owned")

        assert "\x1b" not in view.screen
        await view.press("n")
        await view.sees("A message to [red]x[/]")
        assert "\x1b" not in view.screen


@pytest.mark.promise("watch-looks")
async def test_looking_at_all_there_is_changes_no_file_of_the_state(
    fleet: Fleet, watched: Repository
) -> None:
    worker = fleet.start(StartRequest("t", script({"say": "SHOWN-1"}, {"hang": True}))).worker
    wait_until(lambda: fleet.worker(worker.id).status is Status.RUNNING)
    wait_until(lambda: "SHOWN-1" in fleet.screen(worker))
    report = Report("m0", "question", "Which greeting?", "2026-01-01T00:00:00+00:00")
    asking = recorded_worker(fleet, watched.directory, status=Status.ASKING, report=report)
    reports.tell_once(fleet.records, asking, "question", "m1", "Which greeting?")
    broken = recorded_worker(fleet, watched.directory)
    record = Path(fleet.records.home(broken.id), "worker.json")
    record.write_text("{torn", "utf-8")
    (Path(fleet.mailbox.path) / "new" / "00000000000000000001-question-mbad.mail").write_text("x")
    before = files_below(state_root())

    async with watching(watched, size=(120, 40)) as view:
        await view.sees("Damaged, can't be read", "Which greeting?")
        await view.press("end")
        await view.sees("SHOWN-1")
        await view.press("home")
        await view.press("2")
        await view.until(lambda: "from it: question" in view.page, "the letter")
        await view.press("end", "3")
        await view.until(lambda: "Nothing differs" in view.page, "the diff")
        await view.press("4")
        await view.until(lambda: "[started]" in view.page, "the timeline")
        await view.press("home", "y")
        await view.sees("t asks")
        view.app.gatherer.probe()
        await view.press("escape")

    assert files_below(state_root()) == before


async def test_the_terminal_of_the_chosen_worker_is_live_and_has_its_colours(
    fleet: Fleet, watched: Repository, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    paint = (
        f"printf '\\033[31mRED-1\\033[0m\\n'; while [ ! -e {go} ]; do sleep 0.1; done; echo NEXT"
    )
    script_path = tmp_path / "paint.sh"
    script_path.write_text(f"{paint}\nexec sleep 1000\n", "utf-8")
    handle = watched.runtime.handle_for("painter")
    watched.runtime.launch(handle, ["sh", str(script_path)], cwd=str(tmp_path))
    recorded_worker(fleet, watched.directory, handle=handle, status=Status.RUNNING)

    async with watching(watched) as view:
        await view.until(lambda: "RED-1" in view.page, "the terminal")
        lines = view.app.screen._compositor.render_strips()
        (red,) = [part for line in lines for part in line if part.text == "RED-1"]
        assert red.style is not None
        assert red.style.color is not None
        triplet = red.style.color.get_truecolor()
        assert triplet.red > triplet.green + 60

        go.touch()
        await view.until(lambda: "NEXT" in view.page, "what came later")


async def test_letters_stand_there_in_both_directions(fleet: Fleet, watched: Repository) -> None:
    steps = script({"ask": "Which greeting?"}, {"complete": "It says {answer}."})
    worker = fleet.start(StartRequest("t", steps)).worker
    wait_until(lambda: fleet.worker(worker.id).status is Status.ASKING)
    fleet.nudge(worker.id, "Good morning")
    wait_until(lambda: fleet.worker(worker.id).status is Status.COMPLETED)

    async with watching(watched) as view:
        await view.press("2")
        await view.until(lambda: "from it: completion" in view.page, "the report")

        order = ["from it: question", "to it: answer", "from it: completion"]
        places = [view.page.index(head) for head in order]
        assert places == sorted(places)
        assert fleet.mailbox.waiting()


def test_an_answer_never_stands_before_its_question_however_late_the_letter_lies_there(
    fleet: Fleet, repository: Path, watched: Repository
) -> None:
    worker = recorded_worker(fleet, repository, status=Status.RUNNING)
    asked = Report("m0123456789ab", "question", "Which greeting?", now())
    _, worker = fleet.records.update(worker.id, lambda one: one.ask(asked))
    answer = outbox.order(worker, message.ANSWER, "Good morning")
    outbox.deliver(fleet.context, worker.id, answer)
    time.sleep(0.002)  # times are in milliseconds

    reports.redeliver(fleet.records, fleet.worker(worker.id))

    kinds = [one.message.type for one in Letters(watched).of(worker)]
    assert kinds == ["question", "answer"]


async def test_the_diff_has_its_lines_and_the_list_its_figures(
    fleet: Fleet, watched: Repository
) -> None:
    write = {"write": {"path": "new.txt", "text": "[red]one[/]\ntwo\n"}}
    worker = fleet.start(StartRequest("t", script(write, {"commit": "Add"}, {"hang": True}))).worker
    wait_until(lambda: fleet.worker(worker.id).status is Status.RUNNING)

    async with watching(watched) as view:
        await view.sees("+2 -0", "1 commit, 1 file")
        await view.press("3")
        await view.until(lambda: "+[red]one[/]" in view.page, "the diff")


async def test_a_word_finds_workers_and_escape_shows_all(
    fleet: Fleet, repository: Path, watched: Repository
) -> None:
    for title in ("Add a dark mode", "Fix the export", "Dark corners"):
        recorded_worker(fleet, repository, title=title, status=Status.RUNNING)

    async with watching(watched) as view:
        await view.press("slash")
        await view.type("dark")
        await view.sees("2 workers with 'dark'")
        assert view.titles == ["Add a dark mode", "Dark corners"]

        await view.press("slash")
        await view.type("zzz")
        await view.sees("No worker fits")

        await view.press("escape")
        await view.until(lambda: len(view.titles) == 3, "all")


async def test_help_and_footer_name_the_keys(fleet: Fleet, watched: Repository) -> None:
    recorded_worker(fleet, watched.directory, status=Status.RUNNING)

    async with watching(watched) as view:
        await view.sees("a Attach", "q Quit")
        await view.press("question_mark")
        await view.sees("undo", "Looking changes nothing")


async def test_workers_of_all_sessions_are_shown(
    repository: Path, tmux_socket: str, watched: Repository
) -> None:
    for session in ("session-1", "session-2"):
        fleet = make_fleet(repository, tmux_socket, session)
        recorded_worker(fleet, repository, title=f"of {session}", status=Status.RUNNING)

    async with watching(watched) as view:
        await view.sees("of session-1", "of session-2")


async def test_without_colours_it_is_read_all_the_same(
    fleet: Fleet, repository: Path, tmux_socket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    recorded_worker(fleet, repository, title="fell", status=Status.FAILED)

    async with watching(repository_at(repository, tmux_socket)) as view:
        await view.sees("! failed")
        assert view.app.no_color


async def test_a_letter_that_was_taken_is_not_said_to_wait_wherever_the_state_lies(
    repository: Path, tmux_socket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WORKER_MANAGER_STATE_DIR", str(tmp_path / "new" / "state"))
    fleet = make_fleet(repository, tmux_socket)
    worker = recorded_worker(fleet, repository, status=Status.RUNNING)
    reports.tell_once(fleet.records, worker, "question", "m1", "Which greeting?")
    take_mail(fleet)

    (letter,) = Letters(repository_at(repository, tmux_socket)).of(worker)

    assert not letter.is_waiting


async def test_the_chosen_worker_stays_in_sight_when_the_order_changes(
    fleet: Fleet, repository: Path, watched: Repository
) -> None:
    workers = [
        recorded_worker(fleet, repository, title=f"number {n}", status=Status.RUNNING)
        for n in range(30)
    ]

    async with watching(watched) as view:
        await view.sees("30 workers")
        await view.press("end")
        await view.until(lambda: "number 29" in view.screen, "the last one")
        report = Report("m1", "blocked", "A dialog.", now())
        fleet.records.update(workers[29].id, lambda one: one.block(report, reason="a dialog"))
        await view.until(lambda: view.titles[0] == "number 29", "it on top")
        await view.until(lambda: "! blocked" in view.screen, "its line")
