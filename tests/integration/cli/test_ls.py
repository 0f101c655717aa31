"""`worker-manager ls`: a table that fits, whatever workers say."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from tests.integration.cli.conftest import Command, validated
from tests.support.scripted.bench import add_worker, commit
from tests.support.scripted.workers import recorded_worker
from tests.support.terminals.person import MODULE, Terminal, output_of
from tests.support.waiting import wait_until
from worker_manager.cli.terminal import worker_table
from worker_manager.cli.terminal.columns import width
from worker_manager.crew.fleet import Fleet
from worker_manager.domain.worker import Report, Status
from worker_manager.views.facts import facts_of

WIDE = "日本語のタイトルは幅が広い、とても長い題名です"
HOSTILE = "\x1b]0;owned\x07\x1b[2J\r\u202eevil\n\nID  STATUS   x 🎉 e\u0301 " + "x" * 300


@pytest.fixture
def crew(mine: Fleet, repository: Path) -> Fleet:
    """Workers with wide and hostile texts; two ask."""
    at = "2026-01-01T00:00:00.000+00:00"
    wide, hostile = (Report("m1", "question", text, at, True) for text in (WIDE * 5, HOSTILE))
    recorded_worker(mine, repository, title=WIDE, status=Status.ASKING, report=wide)
    add_worker(mine, repository, {"a.txt": "a\n"}, title="a" * 100)
    recorded_worker(mine, repository, title=HOSTILE, status=Status.ASKING, report=hostile)
    return mine


@pytest.mark.promise("ls-fits")
@pytest.mark.parametrize("columns", ["80", "60", "200"])
def test_no_line_is_wider_than_the_terminal_and_columns_align(
    crew: Fleet, command: Command, columns: str
) -> None:
    shown = command("ls", COLUMNS=columns).stdout.splitlines()
    heading, *lines = shown[: shown.index("")]

    assert [line for line in shown if width(line) > int(columns)] == []
    for line in lines:
        before = _up_to(line, heading.index("STATUS"))
        assert re.fullmatch(r"[0-9a-f]{8}  ", before)
    begins = heading.index("TITLE")
    assert {_up_to(line, begins)[-2:] for line in lines} == {"  "}


@pytest.mark.promise("ls-fits")
def test_a_real_terminal_of_80_columns_breaks_no_line(
    crew: Fleet, repository: Path, terminal: Terminal
) -> None:
    terminal.run("ls", cwd=repository)
    terminal.wait_for_end()

    heading, *lines = terminal.screen().partition("\n\n")[0].splitlines()
    assert heading.startswith("ID ")
    assert [line[:8] for line in lines] == [worker.id for worker in crew.workers()]


def test_hostile_text_stays_text(crew: Fleet, command: Command) -> None:
    shown = command("ls").stdout

    assert re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown) == []
    assert len(re.findall(r"^ID ", shown, re.MULTILINE)) == 1


def test_it_names_the_command_that_answers(crew: Fleet, command: Command) -> None:
    asking = crew.workers()[-1]

    assert f"{asking.id} waits: worker-manager answer {asking.id}" in (
        command("ls").stdout.splitlines()
    )


@pytest.mark.parametrize(
    ("reason", "way"),
    [
        ("permission: Bash", "answer"),
        ("dialog open at its terminal", "attach"),
        ("trust dialog", "attach"),
        ("rate_limit", "nudge"),
    ],
)
def test_what_is_blocked_has_the_command_that_helps(crew: Fleet, reason: str, way: str) -> None:
    facts = facts_of(crew, crew.workers()[-1])
    waiting = facts._replace(status="blocked", reason=reason)

    assert worker_table.needs([waiting]) == [f"{facts.id} waits: worker-manager {way} {facts.id}"]


def test_titles_make_room_for_what_workers_do(mine: Fleet, repository: Path) -> None:
    question = "Which of the three greetings shall stand there, and in which order?"
    worker = recorded_worker(mine, repository, title="Refactor the configuration loader")
    facts = facts_of(mine, worker)._replace(
        question=question, commits=1, changed_files=1, context_tokens=110
    )

    heading, line = (click.unstyle(one) for one in worker_table.lines([facts], 80))

    assert len(line) == 80
    assert line[heading.index("TITLE") :].startswith("Refactor th…  ")
    assert line.endswith("Which of the three greetings s…")


@pytest.mark.parametrize(("environ", "is_colored"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colors_are_for_terminals_only_and_never_with_no_color(
    crew: Fleet, repository: Path, command: Command, environ: dict[str, str], is_colored: bool
) -> None:
    on_a_terminal = output_of(*MODULE, "ls", cwd=repository, **environ)

    assert ("\x1b[" in on_a_terminal) is is_colored
    assert "\x1b" not in command("ls", **environ).stdout


def test_watch_goes_on_and_json_is_a_line_for_each_change(
    crew: Fleet, repository: Path, terminal: Terminal
) -> None:
    terminal.run("ls", "--watch", cwd=repository)
    terminal.wait_for("waits: worker-manager answer")
    recorded_worker(crew, repository, title="A new one")
    terminal.wait_for("A new one")
    # Once it is drawn: there is one table on the screen.
    wait_until(lambda: len(re.findall("^ID ", terminal.screen(above=0), re.MULTILINE)) == 1)
    terminal.press("C-c")

    assert terminal.wait_for_end() == 130


def test_the_workers_of_others_are_there_too(
    fleet: Fleet, mine: Fleet, repository: Path, command: Command
) -> None:
    workers = [recorded_worker(one, repository).id for one in (fleet, mine)]

    (listed,) = validated("ls", command("ls", "--json").stdout)

    assert [one["id"] for one in listed["workers"]] == workers


def _up_to(line: str, columns: int) -> str:
    """The beginning of a line that is so wide."""
    end = next((end for end in range(len(line) + 1) if width(line[:end]) >= columns), len(line))
    return line[:end]


def test_git_is_asked_of_what_has_changed_since_the_last_list(
    mine: Fleet, repository: Path, command: Command, calls: Callable[[str], list[str]]
) -> None:
    workers = [add_worker(mine, repository, {f"{n}.txt": "a\n"}) for n in range(3)]
    calls("git")

    def listed() -> list[int | None]:
        return [one["commits"] for one in json.loads(command("ls", "--json").stdout)["workers"]]

    def counted() -> int:
        return sum(" rev-list " in one for one in calls("git"))

    assert (listed(), counted()) == ([1, 1, 1], 3)
    assert (listed(), counted()) == ([1, 1, 1], 0)
    commit(workers[1].path, {"more": "x"})
    assert (listed(), counted()) == ([1, 2, 1], 1)
    for broken in ("{", "[]", json.dumps({workers[0].id: [1]})):
        Path(mine.home, "progress.json").write_text(broken, "utf-8")
        assert (listed(), counted()) == ([1, 2, 1], 3)


def test_a_look_at_one_worker_leaves_what_was_counted_of_the_others(
    mine: Fleet, repository: Path, command: Command, calls: Callable[[str], list[str]]
) -> None:
    workers = [add_worker(mine, repository, {f"{n}.txt": "a\n"}) for n in range(3)]
    command("ls", "--json")
    commit(workers[0].path, {"more": "x"})
    facts_of(mine, workers[0])
    calls("git")

    listed = json.loads(command("ls", "--json").stdout)["workers"]

    assert [one["commits"] for one in listed] == [2, 1, 1]
    assert not [one for one in calls("git") if " rev-list " in one]


def test_a_commit_is_counted_at_once_where_branches_are_packed(
    mine: Fleet, repository: Path, command: Command
) -> None:
    worker = add_worker(mine, repository, {"a.txt": "a\n"})

    def counted() -> int:
        subprocess.run(["git", "-C", str(repository), "pack-refs", "--all"], check=True)
        return int(json.loads(command("ls", "--json").stdout)["workers"][0]["commits"])

    assert counted() == 1
    commit(worker.path, {"more": "x"})
    assert counted() == 2
