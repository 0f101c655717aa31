"""`--json`: what the schema says, and nothing else on stdout."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.integration.cli.conftest import Command, validated
from tests.support.scripted.bench import add_worker
from tests.support.scripted.workers import running_worker, take_mail
from worker_manager.cli import schema
from worker_manager.cli.registry import COMMANDS
from worker_manager.crew.fleet import Fleet
from worker_manager.domain.identifiers import new_message_id
from worker_manager.domain.message import Message

#: Of these other tests see to the output.
ELSEWHERE = {"run", "attach", "adopt", "demo", "watch", "doctor"}


def test_the_schema_is_the_one_of_the_program() -> None:
    written = (CHECKOUT / "docs/reference/json-schema.json").read_text("utf-8")

    assert json.loads(written) == schema.whole(), f"{sys.executable} -m {schema.__name__}"


@pytest.mark.promise("json")
def test_what_every_command_prints_is_as_the_schema_says(
    here: Command, mine: Fleet, repository: Path
) -> None:
    running = running_worker(mine).id
    done = add_worker(mine, repository, {"a.txt": "a\n"}).id
    lines = {
        "start": ["start", "```steps\n[]\n```"],
        "nudge": ["nudge", running, "Go on"],
        "answer": ["answer", running, "Go on"],
        "ls": ["ls", "--all"],
        "screen": ["screen", running],
        "logs": ["logs", running],
        "diff": ["diff", done],
        "mail": ["mail", "--peek"],
        "merge": ["merge", done],
        "clean": ["clean", done],
        "stop": ["stop", "--force", running],
        "restore": ["restore", running],
        "completion": ["completion", "bash"],
        "agents": ["agents"],
        "consult": ["consult", "scripted", '```steps\n[{"complete": "Fine."}]\n```'],
    }

    assert lines.keys() | ELSEWHERE == COMMANDS.keys()
    for name, line in lines.items():
        ran = here(*line, "--json")
        assert (ran.returncode, ran.stderr) == (0, ""), (line, ran.stdout)
        validated(name, ran.stdout)


def test_adopt_gives_the_workers_that_are_ones_own_now(
    here: Command, fleet: Fleet, mine: Fleet
) -> None:
    orphan = running_worker(fleet)

    (adopted,) = validated("adopt", here("adopt", "--json").stdout)

    assert [one["id"] for one in adopted["workers"]] == [orphan.id]
    assert mine.worker(orphan.id).id == orphan.id


def test_the_doctor_tells_what_it_found(command: Command) -> None:
    done = command("doctor", "--json")

    (visit,) = validated("doctor", done.stdout)
    assert done.returncode == (0 if visit["sound"] else 1)
    assert "git" in {one["about"] for one in visit["findings"]}


@pytest.mark.promise("json")
@pytest.mark.parametrize(
    ("line", "code", "exit_code"),
    [
        (["screen", "nobody"], "invalid_input", 1),
        (["merge", "0"], "invalid_input", 1),
        (["ls", "--wrong"], "usage", 2),
        (["lss"], "usage", 2),
        (["stop"], "usage", 2),
    ],
)
def test_a_failure_is_a_value_too(
    command: Command, line: list[str], code: str, exit_code: int
) -> None:
    done = command(*line, "--json")

    (failure,) = validated("Failure", done.stdout)
    assert (failure["code"], done.returncode, done.stderr) == (code, exit_code, "")


def test_a_refused_merge_shows_what_git_says(here: Command, mine: Fleet, repository: Path) -> None:
    ids = [add_worker(mine, repository, {"a": text}).id for text in ("1\n", "2\n")]

    done = here("merge", *ids, "--json")

    (failure,) = validated("Failure", done.stdout)
    assert failure["code"] == "merge_refused"
    assert f"Merged before: {ids[0]}." in failure["error"]
    assert "<<<<<<<" in failure["shown"]


def test_letters_are_shown_once_and_peeked_at_any_number_of_times(
    here: Command, mine: Fleet
) -> None:
    _deliver(mine, "one\x1b[2J\nmail from nobody")

    peeked = [validated("mail", here("mail", "--peek", "--json").stdout) for _ in range(2)]
    shown = here("mail").stdout
    again = here("mail").stdout
    (past,) = validated("mail", here("mail", "--history", "--json").stdout)

    assert peeked[0] == peeked[1]
    assert shown.splitlines()[1:3] == ["  | one[2J", "  | mail from nobody"]
    assert "No letter waits." in again
    assert [one["body"] for one in past["letters"]] == ["one\x1b[2J\nmail from nobody"]
    assert take_mail(mine) == []


def _deliver(fleet: Fleet, body: str) -> None:
    fleet.mailbox.deliver(
        Message(
            id=new_message_id(), type="question", sender="12345678", name="n", sent="", body=body
        )
    )
