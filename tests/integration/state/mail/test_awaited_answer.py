"""Question and answer: the answer goes to the call that asked, or to a hook when it can't."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import pytest

from tests.conftest import CHECKOUT
from tests.support.scripted.rehearsed import SOON
from tests.support.scripted.workers import recorded_worker, take_mail
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.reporting import reports
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import InvalidInput
from worker_manager.hooks import delivery
from worker_manager.rehearsal.session import RehearsedSession, ToolResult
from worker_manager.state.mail import awaited_answer
from worker_manager.text import rendering


@pytest.fixture
def worker(repository: Path, fleet: Fleet) -> Worker:
    """Its session is the test's own."""
    return recorded_worker(fleet, repository)


def home_of(fleet: Fleet, worker: Worker) -> str:
    return fleet.records.home(worker.id)


def answered(fleet: Fleet, worker: Worker, text: str) -> str:
    """The answer's message id."""
    _, message = fleet.nudge(worker.id, text)
    return message.id


def test_the_answer_to_another_question_is_not_taken(fleet: Fleet, worker: Worker) -> None:
    first = reports.ask(fleet.records, worker.id, "tea?")
    answered(fleet, worker, "no")
    second = reports.ask(fleet.records, worker.id, "coffee?")
    answered(fleet, worker, "yes")
    answered(fleet, worker, "a nudge, no answer")
    home = home_of(fleet, worker)

    claims = [reports.take_answer(home, one.message_id) for one in (second, first, second)]

    assert [claim and claim.messages[0].body for claim in claims] == ["yes", "no", None]
    shown = delivery.take(home)
    assert shown is not None
    assert "a nudge, no answer" in shown.text


def test_a_letter_that_has_its_answer_asks_no_more(fleet: Fleet, worker: Worker) -> None:
    reports.ask(fleet.records, worker.id, "tea?")
    (letter,) = take_mail(fleet)
    assert rendering.next_step(letter).startswith("It waits. Answer")

    answered(fleet, worker, "yes")
    reports.ask(fleet.records, worker.id, "coffee?")
    (second,) = take_mail(fleet)

    assert rendering.next_step(second).startswith("It waits. Answer")
    (first_again, second_again) = [one for one, _ in fleet.history(most=9)]
    assert rendering.next_step(first_again).startswith("It waits no more")
    assert rendering.next_step(second_again).startswith("It waits. Answer")


def test_what_was_asked_beside_a_dialog_still_waits(fleet: Fleet, worker: Worker) -> None:
    home = home_of(fleet, worker)
    with awaited_answer.waiting_for_answer(home) as note:
        asked = reports.ask(fleet.records, worker.id, "tea?")
        note(asked.message_id)
        reports.blocked(fleet.records, worker.id, "permission", "x", reason="permission: Bash")
        steps = [rendering.next_step(one) for one in take_mail(fleet)]

    assert [one.partition(".")[0] for one in steps] == ["It waits", "It waits"]


def test_of_calls_at_once_one_waits(fleet: Fleet, worker: Worker) -> None:
    home, together = home_of(fleet, worker), threading.Barrier(8)

    def ask(_: int) -> bool:
        together.wait()
        try:
            with awaited_answer.waiting_for_answer(home):
                together.wait()
        except InvalidInput:
            together.wait()
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            assert sum(pool.map(ask, range(8))) == 1


@contextmanager
def waiting_call(home: str, question_id: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits for the answer, as the server of a worker does."""
    script = (
        "import sys, time; from worker_manager.state.mail import awaited_answer\n"
        "with awaited_answer.waiting_for_answer(sys.argv[1]) as waiting:\n"
        "    waiting(sys.argv[2]); print(flush=True); time.sleep(1000)"
    )
    command = [sys.executable, "-c", script, home, question_id]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def test_hooks_leave_the_answer_to_a_call_that_waits(fleet: Fleet, worker: Worker) -> None:
    home = home_of(fleet, worker)
    question = reports.ask(fleet.records, worker.id, "tea?")
    with waiting_call(home, question.message_id):
        answer = answered(fleet, worker, "yes")
        nudge = answered(fleet, worker, "and hurry")
        shown = delivery.take(home)

    assert shown is not None
    assert nudge in shown.text
    assert answer not in shown.text


def test_hooks_show_the_answer_when_the_call_that_waited_was_killed(
    fleet: Fleet, worker: Worker
) -> None:
    home = home_of(fleet, worker)
    question = reports.ask(fleet.records, worker.id, "tea?")
    with waiting_call(home, question.message_id) as server:
        answer = answered(fleet, worker, "yes")
        assert delivery.take(home) is None
        server.kill()
        server.wait()

        shown = delivery.take(home)

    assert shown is not None
    assert f"[answer {answer}]" in shown.text
    assert f"answer to your question {question.message_id}:\nyes" in shown.text


@asynccontextmanager
async def session_of(worker: Worker) -> AsyncIterator[RehearsedSession]:
    environ = {
        **os.environ,
        "WORKER_MANAGER_PYTHON": sys.executable,
        "WORKER_MANAGER_WORKER_ID": worker.id,
    }
    session = RehearsedSession(
        plugin_root=CHECKOUT,
        cwd=Path(worker.path),
        session_id=worker.session_id,
        environ=environ,
    )
    async with session:
        await session.start()
        yield session


def test_an_answer_that_comes_before_the_call_knows_its_question_is_left_to_it(
    fleet: Fleet, worker: Worker
) -> None:
    home = home_of(fleet, worker)

    with awaited_answer.waiting_for_answer(home) as waiting_for:
        asked = reports.ask(fleet.records, worker.id, "tea?")
        answered(fleet, worker, "yes")
        assert delivery.take(home) is None
        waiting_for(asked.message_id)
        claim = reports.take_answer(home, asked.message_id)

    assert claim is not None
    assert claim.messages[0].body == "yes"


@pytest.mark.anyio
async def test_a_second_question_is_refused_and_not_delivered_while_the_first_waits(
    fleet: Fleet, worker: Worker
) -> None:
    results: dict[str, ToolResult] = {}

    async def ask(session: RehearsedSession, question: str) -> None:
        results[question] = await session.call_tool("ask", question=question)
        if len(results) == 1:
            while fleet.worker(worker.id).status is not Status.ASKING:
                await anyio.sleep(0.02)
            answered(fleet, worker, "the answer")

    async with session_of(worker) as session:
        with anyio.fail_after(SOON):
            async with anyio.create_task_group() as both:
                both.start_soon(ask, session, "tea?")
                both.start_soon(ask, session, "coffee?")

    refused, taken = sorted(results.values(), key=lambda result: not result.is_error)
    assert refused.is_error
    assert re.search(r"still waits for its answer. Ask one thing at a time", refused.text)
    assert (taken.is_error, taken.structured["answer"]) == (False, "the answer")
    assert [message.type for message in take_mail(fleet)] == ["question"]
    assert fleet.worker(worker.id).status is Status.RUNNING
