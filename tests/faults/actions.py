"""What the tests here have done in processes that may die or fail at any step. Each action is
given `tell`, by which something reaches the test even from a process that is killed later.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from threading import Barrier
from typing import Any

from worker_manager.config import Settings
from worker_manager.crew.context import Context
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.integration import clean as cleaning
from worker_manager.crew.integration.clean import CleanOptions
from worker_manager.crew.integration.merge import MergeOptions
from worker_manager.crew.lifecycle import adopt as adoption
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.crew.messaging import dialogs
from worker_manager.crew.reporting import reports
from worker_manager.domain.message import Message
from worker_manager.domain.worker import Worker
from worker_manager.errors import InvalidInput, StateUnavailable
from worker_manager.hooks import delivery
from worker_manager.runtimes.tmux.runtime import Tmux
from worker_manager.state import sessions
from worker_manager.state.layout import mailbox_path, repository_of
from worker_manager.state.mail.inbox import expect_receipt
from worker_manager.state.mail.mailbox import Mailbox
from worker_manager.state.workers.records import Records

Tell = Callable[[Any], None]


def deliver(_: Tell, home: str, message: Message) -> None:
    """One message."""
    Mailbox(mailbox_path(home)).deliver(message)


def deliver_all(home: str, messages: list[Message]) -> None:
    """One after the other."""
    for message in messages:
        Mailbox(mailbox_path(home)).deliver(message)


def close_dialogs(_: Tell, home: str) -> None:
    """All of a worker."""
    dialogs.close_all(home, dialogs.AT_TERMINAL, subagents_too=True)


def complete_all(barrier: Barrier, repository: str, worker_id: str) -> None:
    """A report, together with the others at the barrier."""
    barrier.wait()
    reports.complete(Records(repository), worker_id, f"done {worker_id}")


def reconcile_all(barrier: Barrier, root: str, home: str, socket: str) -> None:
    """Together with the others at the barrier."""
    barrier.wait()
    fleet(root, home, home, socket).reconcile()


def read(tell: Tell, home: str, most: int) -> int:
    """As a hook does: shows, then acknowledges."""
    receipt = expect_receipt(home)
    claim = Mailbox(mailbox_path(home)).claim(limit=most)
    if claim is None:
        return 0
    tell([(message.id, message.body, message.repeat) for message in claim.messages])
    claim.acknowledge(receipt)
    return len(claim.messages)


def read_again(tell: Tell, home: str, most: int) -> None:
    """As a server does, which lives on when a call of its has failed."""
    try:
        read(tell, home, most)
    except StateUnavailable:
        read(tell, home, most)


def release(_: Tell, home: str, most: int) -> None:
    """Takes messages out and gives them back."""
    claim = Mailbox(mailbox_path(home)).claim(limit=most)
    if claim is not None:
        claim.release()


def settle(_: Tell, home: str) -> None:
    """Looks for receipts, as a hook does after a restart."""
    delivery.requeue_unconfirmed(home, restarted=True)


def create(_: Tell, repository: str, worker: Worker) -> None:
    """A record."""
    Records(repository).create(worker)()


def complete(_: Tell, repository: str, worker_id: str, summary: str) -> None:
    """A report."""
    reports.complete(Records(repository), worker_id, summary)


def ask(_: Tell, repository: str, worker_id: str, question: str) -> str:
    """A question; gives its message id."""
    return reports.ask(Records(repository), worker_id, question).message_id


def go_on(_: Tell, repository: str, worker_id: str) -> None:
    """The question has its answer."""
    reports.go_on(Records(repository), worker_id)


def ended(_: Tell, repository: str, worker_id: str) -> None:
    """The agent is gone."""
    reports.ended(Records(repository), worker_id, exit_code=1, screen="LAST WORDS")


def redeliver(_: Tell, repository: str, owner: str) -> None:
    """The repair."""
    records = Records(repository)
    reports.redeliver_all(records, [one for one in records.all() if one.owner == owner])


def start(tell: Tell, root: str, home: str, project: str, socket: str) -> str:
    """Starts a worker that hangs; gives its id."""
    started = fleet(root, home, project, socket).start(
        StartRequest("t", '```steps\n[{"hang": true}]\n```')
    )
    tell(started.worker.id)
    return started.worker.id


def start_with(tell: Tell, root: str, home: str, project: str, socket: str, key: str) -> str:
    """The same, with a key."""
    wanted = StartRequest("t", '```steps\n[{"hang": true}]\n```', key=key)
    started = fleet(root, home, project, socket).start(wanted)
    tell(started.worker.id)
    return started.worker.id


def start_with_at(
    barrier: Barrier, answers: Any, root: str, home: str, project: str, socket: str, key: str
) -> None:
    """The same, together with the others at the barrier."""
    barrier.wait()
    answers.put(start_with(lambda _: None, root, home, project, socket, key))


def start_together(
    barrier: Barrier, root: str, home: str, project: str, socket: str, setup: str
) -> None:
    """Starts a worker with a setup command, together with the others at the barrier."""
    mine = fleet(root, home, project, socket, worktree_setup=setup)
    barrier.wait()
    mine.start(StartRequest("t", "nothing"))


def fleet(root: str, home: str, project: str, socket: str, **settings: Any) -> Fleet:
    """The fleet of a home."""
    assert os.path.isdir(repository_of(home))
    return Fleet(
        root=root,
        home=lambda: home,
        project=project,
        plugin_root=os.path.dirname(os.path.dirname(os.path.dirname(__file__))),
        settings=Settings(
            agent="scripted", tmux_socket=socket, **{"max_workers": 1000, **settings}
        ),
        runtime=Tmux(socket),
    )


def context(root: str, home: str) -> Context:
    """What the use cases of a home stand on, as far as no terminal is needed."""
    return fleet(root, home, home, socket="").context


def stop(_: Tell, root: str, home: str, project: str, socket: str, worker_id: str) -> None:
    """Ends a worker's session; its work is saved before."""
    fleet(root, home, project, socket).stop(worker_id)


def adopt(_: Tell, root: str, home: str, worker_ids: list[str], force: bool) -> list[str]:
    """Takes workers over; gives the ids of those that it says are its own now."""
    return [one.id for one in adoption.adopt(context(root, home), worker_ids, force=force)]


def adopt_each(
    barrier: Barrier, answers: Any, root: str, home: str, worker_ids: list[str], named: bool
) -> None:
    """As a session of its own: takes over one after the other, each together with the others at
    the barrier; tells which it got.
    """
    sessions.link_process(root, os.getpid(), home)
    mine = context(root, home)
    got = []
    for worker_id in worker_ids:
        barrier.wait()
        with suppress(InvalidInput):
            got += adoption.adopt(mine, [worker_id] if named else [], force=False)
        barrier.wait()
    answers.put((os.path.basename(home), [one.id for one in got]))
    barrier.wait()  # until all have told, each is a session that runs


def ask_at(barrier: Barrier, repository: str, worker_id: str, question: str) -> None:
    """A question, together with the others at the barrier."""
    barrier.wait()
    reports.ask(Records(repository), worker_id, question)


def complete_each(barrier: Barrier, repository: str, worker_ids: list[str]) -> None:
    """Reports of one after the other, each together with the others at the barrier."""
    for worker_id in worker_ids:
        barrier.wait()
        reports.complete(Records(repository), worker_id, f"done {worker_id}")
        barrier.wait()
    barrier.wait()


def merge(
    _: Tell, root: str, home: str, project: str, socket: str, worker_id: str, strategy: str
) -> None:
    """Merges a worker's branch."""
    fleet(root, home, project, socket).merge(worker_id, MergeOptions(strategy))


def clean(_: Tell, root: str, home: str, project: str, socket: str, worker_id: str) -> str:
    """Cleans a worker, whatever it has; gives why it was not."""
    order = CleanOptions([worker_id], force=True)
    (outcome,) = fleet(root, home, project, socket).clean(order)
    return outcome.why_not


def bring_back(_: Tell, root: str, home: str, project: str, socket: str, worker_id: str) -> None:
    """Undoes a clean, without a new session."""
    records = fleet(root, home, project, socket).records
    cleaning.bring_back(records, worker_id)
