"""The worker's tools."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Annotated

from worker_manager.crew.reporting import reports
from worker_manager.domain.identifiers import new_mark
from worker_manager.errors import StateUnavailable, WorkerNotFound
from worker_manager.servers import call_limit
from worker_manager.servers.call import Call
from worker_manager.servers.toolbox import About, Result, Toolbox
from worker_manager.servers.tools.checks_runner import Completions
from worker_manager.state.bells import Bell
from worker_manager.state.mail import awaited_answer
from worker_manager.state.mail.inbox import Claim
from worker_manager.state.workers.records import Records
from worker_manager.text import rendering

#: Where nothing can ring.
POLL_SECONDS = 0.1
PROGRESS_SECONDS = 10.0


class Completed(Result):
    """The report as it was delivered; without a `message_id` its checks still run."""

    message_id: str
    status: str


class Asked(Result):
    """The answer, or none yet."""

    message_id: str
    answer: str | None


def build(
    records: Records,
    worker_id: str,
    *,
    ask_wait_seconds: int,
    check_seconds: int,
    call_seconds: float | None = None,
) -> Toolbox:
    """The tools of one worker. `ask_wait_seconds` is 0 where no call of it may wait for an answer.
    `call_seconds`: how long its agent listens to a call, where the agent says so.
    """
    toolbox = Toolbox()
    home = records.home(worker_id)
    completions = Completions(records, worker_id, check_seconds)

    @toolbox.tool("Complete", destructive=False, always_loaded=True)
    def complete(
        call: Call, summary: Annotated[str, About("what you did, what you checked, what is left")]
    ) -> Completed:
        """Report your task as done. Commit your work first. Runs your checks, if you have some."""
        with _speaking_for(home):
            worker = completions.complete(call, summary, call_limit.seconds(call, call_seconds))
            if worker is None:
                return Completed(
                    text="Nothing is reported yet: your checks still run. End your turn: when they "
                    "pass your report is delivered, and a message tells you how they went.",
                    message_id="",
                    status=records.load(worker_id).status.value,
                )
            return Completed(
                text="Delivered to your orchestrator. End your turn now; you may hear from it "
                "again.",
                message_id=worker.report.message_id if worker.report else "",
                status=worker.status.value,
            )

    @toolbox.tool("Ask", destructive=False, always_loaded=True)
    def ask(
        call: Call,
        question: Annotated[str, About("with all that is needed to answer it")],
        of: Annotated[str, About("an agent, for its opinion instead")] = "",
    ) -> Asked:
        """Ask your orchestrator something and wait for its answer."""
        with _speaking_for(home):
            records.load(worker_id)  # raises when somebody removed it
            if of and not ask_wait_seconds:
                return _opinion_to_come(records, worker_id, of, question)
            if of:
                return _opinion(call, records, worker_id, of, question, ask_wait_seconds)
            # Before the question is sent: a second one would take the place of the first.
            with awaited_answer.waiting_for_answer(home) as waiting_for:
                report = reports.ask(records, worker_id, question)
                waiting_for(report.message_id)
                seconds = call_limit.at_most(call, ask_wait_seconds)
                claim = _wait(call, home, report.message_id, seconds)
            if claim is None:
                return Asked(
                    text="Your question is delivered; the answer has not come yet. End your turn: "
                    "it will wake you as a message.",
                    message_id=report.message_id,
                    answer=None,
                )
            reports.go_on(records, worker_id)
            (message,) = claim.messages
            (file,) = claim.files
            return Asked(
                text=rendering.for_asking(message, file),
                message_id=report.message_id,
                answer=rendering.shortened(message, file, rendering.RESULT_LIMIT),
            )

    return toolbox


def record_gone(home: str) -> StateUnavailable:
    """What a worker must read that nobody knows any more."""
    return StateUnavailable(
        f"Your record in {home} is gone: somebody removed it, and your orchestrator can't "
        "be reached. Commit your work, say so in your last message, and end your turn."
    )


@contextmanager
def _speaking_for(home: str) -> Iterator[None]:
    """Errors as a worker must read them."""
    try:
        yield
    except WorkerNotFound as error:
        raise record_gone(home) from error


def _opinion(
    call: Call, records: Records, worker_id: str, name: str, question: str, most: float
) -> Asked:
    """What another agent thinks, or why there is no opinion. Raises Cancelled."""
    from worker_manager.crew import opinions  # it loads all of the crew

    wanted = opinions.wanted_by(records, worker_id, name, question)
    seconds, started = call_limit.at_most(call, most), time.monotonic()
    told = started
    with call.waiting() as wait:

        def pause(moment: float) -> None:
            nonlocal told
            if time.monotonic() - told >= PROGRESS_SECONDS:
                told = time.monotonic()
                call.tell(told - started, seconds, f"waiting for the opinion of {name}")
            wait(moment)

        opinion = opinions.for_worker(records, worker_id, wanted, seconds=seconds, wait=pause)
    said = opinions.for_reading(opinion, new_mark())
    return Asked(text=said, message_id="", answer=said if opinion.text else None)


def _opinion_to_come(records: Records, worker_id: str, name: str, question: str) -> Asked:
    """The same where no call may last so long: as a message."""
    from worker_manager.crew import opinions  # as above

    wanted = opinions.wanted_by(records, worker_id, name, question)
    bring = partial(opinions.bring, records, worker_id, wanted)
    threading.Thread(target=bring, daemon=True).start()
    return Asked(
        text=f"{name} reads your question. End your turn when you have nothing else to do: its "
        "opinion, or that there is none, will wake you as a message.",
        message_id="",
        answer=None,
    )


def _wait(call: Call, home: str, question_id: str, seconds: float) -> Claim | None:
    """The answer, or None when it didn't come in time. Raises Cancelled."""
    started = told = time.monotonic()
    with closing(Bell(home)) as bell, call.waiting() as wait:
        while (left := started + seconds - time.monotonic()) > 0:
            claim = reports.take_answer(home, question_id)
            if claim is not None:
                call.shows(claim, home)
                return claim
            if time.monotonic() - told >= PROGRESS_SECONDS:
                told = time.monotonic()
                call.tell(told - started, seconds, "waiting for the answer")
            left = min(left, told + PROGRESS_SECONDS - time.monotonic())
            is_deaf = bell.descriptor is None
            wait(min(left, POLL_SECONDS) if is_deaf else left, bell.descriptor)
            bell.drain()
    return None
