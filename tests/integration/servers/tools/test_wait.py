"""wait_for_workers, with the real server, hooks, tmux and mailbox."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from tests.support.scripted.rehearsed import SOON, Boss, session
from tests.support.scripted.workers import recorded_worker
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.reporting import reports
from worker_manager.domain import message as messages
from worker_manager.domain.message import Message
from worker_manager.domain.worker import Report
from worker_manager.rehearsal.session import ToolResult
from worker_manager.servers.tools import wait as waiting
from worker_manager.state.mail import waits
from worker_manager.state.workers.records import now
from worker_manager.text import rendering

pytestmark = pytest.mark.anyio


def steps_after(go: Path, *steps: str) -> str:
    """A task whose steps are played once the file is there."""
    wait = f'{{"run": "while [ ! -e {go} ]; do sleep 0.05; done"}}'
    return f"```steps\n[{', '.join([wait, *steps])}]\n```"


@pytest.mark.promise("wait-once")
async def test_a_report_is_the_result_of_the_call_that_waits_and_is_shown_once(
    repository: Path, tmux_socket: str, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    async with session(repository, tmux_socket) as boss:
        worker = await boss.start_worker(steps_after(go, '{"complete": "DONE-1"}'))
        other = await boss.start_worker()
        async with boss.waiting() as results:
            assert results == []
            go.touch()

        (result,) = results
        assert re.search(rf"\[completion m\w+\] from worker {worker}", result.text)
        assert "DONE-1" in result.text
        statuses = result.structured["workers"]
        assert statuses[worker] == "completed"
        assert statuses[other] in ("starting", "running")
        assert result.structured["timed_out"] is False
        assert (await boss.call_tool("read_mail")).text == "No mail waits."
        assert (result.mail, await boss.wait_for_mail(2)) == ("", None)
        with anyio.fail_after(SOON):
            while os.listdir(boss.mailbox.folder("claimed")):
                await anyio.sleep(0.05)


async def test_all_waits_until_the_last_is_finished(
    repository: Path, tmux_socket: str, tmp_path: Path
) -> None:
    go, later = tmp_path / "go", tmp_path / "later"
    async with session(repository, tmux_socket) as boss:
        first = await boss.start_worker(steps_after(go, '{"complete": "DONE-1"}'))
        second = await boss.start_worker(steps_after(later, '{"complete": "DONE-2"}'))
        async with boss.waiting(until="all") as results:
            go.touch()
            await letters(boss, 1)
            boss.deliver(second, "SETTLED-2")
            await anyio.sleep(1.5)  # a look at the statuses
            assert results == []
            later.touch()

    (result,) = results
    for text in ("DONE-1", "SETTLED-2", "DONE-2"):
        assert result.text.count(f"{text}\n") == 1
    assert result.structured["workers"] == {first: "completed", second: "completed"}


@pytest.mark.promise("wait-bounded")
@pytest.mark.parametrize("kind", sorted(messages.NEEDS_ANSWER))
async def test_what_needs_an_answer_ends_any_wait_whoever_sends_it(
    repository: Path, fleet: Fleet, kind: str
) -> None:
    awaited_one, other = (recorded_worker(fleet, repository) for _ in range(2))
    awaited = waiting.Awaited(fleet, [awaited_one.id], "all")
    assert not awaited.is_over()

    fleet.mailbox.deliver(
        Message(id="m123456789abc", type=kind, sender=other.id, name="n", sent="now", body="x")
    )

    assert awaited.is_over()


async def letters(boss: Boss, count: int) -> None:
    """Waits until so many wait."""
    with anyio.fail_after(SOON):
        while len(boss.mailbox.waiting()) < count:
            await anyio.sleep(0.05)


@pytest.mark.promise("wait-once")
async def test_a_letter_that_comes_while_the_call_registers_is_told_at_once(
    repository: Path, tmux_socket: str
) -> None:
    # In `claude -p` nothing but the call itself shows it while it waits.
    async with session(repository, tmux_socket, CLAUDE_CODE_ENTRYPOINT="sdk-cli") as boss:
        worker = await boss.start_worker()
        for number in range(8):
            results: list[ToolResult] = []

            async def wait(results: list[ToolResult] = results) -> None:
                results.append(await boss.wait(ids=[worker]))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(wait)
                await anyio.sleep(number * 0.002)
                boss.deliver(worker, f"LETTER-{number}")
            (result,) = results
            assert result.text.count(f"LETTER-{number}\n") == 1


async def test_a_letter_of_another_worker_ends_no_wait_and_comes_along(
    repository: Path, tmux_socket: str
) -> None:
    async with session(repository, tmux_socket) as boss:
        worker, other = await boss.start_worker(), await boss.start_worker()
        async with boss.waiting(ids=[worker]) as results:
            boss.deliver(other, "LETTER-OTHER")
            await anyio.sleep(2)
            assert results == []
            assert await boss.tool_used("Bash", {"command": "beside it"}, "done") == ""
            assert len(boss.mailbox.waiting()) == 1
            boss.deliver(worker, "LETTER-NAMED")

    (result,) = results
    assert 0 < result.text.index("LETTER-OTHER") < result.text.index("LETTER-NAMED")
    assert list(result.structured["workers"]) == [worker]


async def test_at_the_timeout_it_says_how_they_stand_and_what_to_do(
    repository: Path, tmux_socket: str
) -> None:
    async with session(repository, tmux_socket) as boss:
        worker = await boss.start_worker()

        result = await boss.wait(timeout_seconds=1)

    assert (
        "The wait is not over after 1 s. Call wait_for_workers again, or end your turn"
        in result.text
    )
    assert re.search(rf"{worker} (starting|running)", result.text)
    assert result.structured["timed_out"]


@asynccontextmanager
async def letter_of_another(boss: Boss) -> AsyncIterator[anyio.CancelScope]:
    """A call waits for one worker when another one's letter has come, and is left to it."""
    worker, other = await boss.start_worker(), await boss.start_worker()
    with anyio.CancelScope() as call:
        async with boss.waiting(ids=[worker]):
            boss.deliver(other, "LETTER-OTHER")
            await anyio.sleep(1)
            assert len(boss.mailbox.waiting()) == 1
            yield call


@pytest.mark.promise("wait-cancel")
async def test_a_cancelled_call_leaves_its_mail_and_the_doorbell_rings_for_it(
    repository: Path, tmux_socket: str
) -> None:
    async with session(repository, tmux_socket) as boss:
        async with letter_of_another(boss) as call:
            call.cancel()

        told = await boss.wait_for_mail(SOON)

        assert told
        assert told.count("LETTER-OTHER") == 1
        assert "repeat" not in told
        assert not waits.is_waited(boss.home)
        assert (await boss.call_tool("read_mail")).text == "No mail waits."


@pytest.mark.promise("wait-cancel")
async def test_what_came_while_a_killed_server_waited_is_shown_once_by_the_next_hook(
    repository: Path, tmux_socket: str
) -> None:
    async with session(repository, tmux_socket) as boss:
        async with letter_of_another(boss) as call:
            os.kill(int(Path(boss.home, "server").read_text("utf-8")), signal.SIGKILL)
            call.cancel()

        shown = [await boss.stop(), await boss.stop()]

    assert shown[0].count("LETTER-OTHER") == 1
    assert "repeat" not in shown[0]
    assert shown[1] == ""


async def test_a_worker_whose_tmux_session_is_gone_is_noticed(
    repository: Path, fleet: Fleet, tmux_socket: str
) -> None:
    async with session(repository, tmux_socket) as boss:
        worker = await boss.start_worker()
        async with boss.waiting(until="all") as results:
            launched = fleet.records.load(worker).process.partition("-")[0]
            os.killpg(int(launched), signal.SIGKILL)
            await anyio.run_process(["tmux", "-L", tmux_socket, "kill-server"], check=False)

    (result,) = results
    assert result.structured["workers"] == {worker: "failed"}
    assert "[failed m" in result.text


async def test_without_anybody_to_wait_for_it_answers_at_once(
    repository: Path, tmux_socket: str
) -> None:
    async with session(repository, tmux_socket) as boss:
        nobody = await boss.wait()
        worker = await boss.start_worker()
        await boss.call_tool("stop_worker", id=worker)
        finished = await boss.wait()
        named = await boss.wait(ids=[worker], until="all")

    assert nobody.text == "You have no workers. start_worker starts one."
    assert "All your workers are finished:" in finished.text
    assert f"{worker} stopped" in finished.text
    assert f"{worker} stopped" in named.text


async def test_a_wrong_value_is_named(repository: Path, tmux_socket: str) -> None:
    wrong: list[tuple[dict[str, object], str]] = [
        ({"ids": ["12345678"]}, "no worker '12345678'. list_workers has the ids"),
        ({"until": "some"}, "until is 'some'. Choose one of: any, all."),
        ({"timeout_seconds": 0}, "timeout_seconds is 0. Give a number from 1 to 7200"),
        ({"timeout_seconds": 7201}, "timeout_seconds is 7201. Give a number from 1 to 7200"),
        ({"timeout_seconds": -5.5}, "timeout_seconds is -5.5. Give"),
    ]
    async with session(repository, tmux_socket) as boss:
        results = [(await boss.wait(**arguments), said) for arguments, said in wrong]

    assert all(result.is_error for result, _ in results)
    assert [said for result, said in results if said not in result.text] == []


async def test_while_it_waits_it_says_for_what(repository: Path, tmux_socket: str) -> None:
    told: list[tuple[float, float | None, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))
        boss.deliver(worker, "It is over.")

    async with session(repository, tmux_socket) as boss:
        worker = await boss.start_worker()
        assert boss._client is not None
        with anyio.fail_after(SOON):
            arguments = {"timeout_seconds": 120}
            await boss._client.call_tool("wait_for_workers", arguments, note)

    progress, total, message = told[0]
    assert progress >= 10
    assert total == 120
    assert message == f"waiting for {worker} (running)"


async def test_a_letter_of_many_workers_leaves_room(repository: Path, fleet: Fleet) -> None:
    """Lines of statuses take a part of the result, whatever there is to say of them."""
    workers = [
        recorded_worker(fleet, repository, created_at=f"{now()}-{number}") for number in range(60)
    ]
    awaited = waiting.Awaited(fleet, [worker.id for worker in workers], "any")
    claim = None
    for worker in workers:
        reports.ask(fleet.records, worker.id, "Why? " * 400)
    claim = fleet.claim_waiting(most=20)

    told = waiting._told(awaited, claim, "")

    assert "more: list_workers shows them." in told["text"]
    assert rendering.units(json.dumps(told)) < 45_000
    assert len(told["workers"]) == 60
    assert claim is not None
    claim.release()


async def test_a_report_counts_when_its_message_is_there(repository: Path, fleet: Fleet) -> None:
    worker = recorded_worker(fleet, repository)
    report = Report(message_id="m1", type="completion", text="DONE-1", at=now())
    fleet.records.update(worker.id, lambda one: one.complete(report))
    awaited = waiting.Awaited(fleet, [], "any")

    assert awaited.ids == (worker.id,)
    assert not awaited.is_over()
    reports.redeliver_all(fleet.records, fleet.records.all())
    assert awaited.is_over()


def test_a_wait_of_a_dead_process_counts_for_nothing(fleet: Fleet) -> None:
    script = (
        "import os, sys; from worker_manager.state.mail import waits\n"
        "with waits.registered_wait(sys.argv[1]): print(waits.is_waited(sys.argv[1]), flush=True);"
        " os._exit(0)"
    )
    command = [sys.executable, "-c", script, fleet.home]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout == "True\n"
    assert len(os.listdir(Path(fleet.home, "waits"))) == 1
    assert not waits.is_waited(fleet.home)
    assert os.listdir(Path(fleet.home, "waits")) == []
