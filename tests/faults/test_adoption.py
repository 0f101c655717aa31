"""A worker that changes hands keeps its letters: whoever is killed, and however many want it."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterator
from errno import ENOSPC
from pathlib import Path

import pytest

from tests.conftest import make_fleet
from tests.faults import actions
from tests.faults.injection import KILL, Outcome, at_every_step, forks, run
from tests.support.scripted.workers import recorded_worker
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle import adopt
from worker_manager.crew.reporting import reports
from worker_manager.domain.worker import Status, Worker
from worker_manager.state.layout import mailbox_path, state_root
from worker_manager.state.mail import receipts
from worker_manager.state.mail.inbox import expect_receipt
from worker_manager.state.mail.mailbox import Mailbox

#: In CI; `python -m tests.stress faults` takes 100.
RACES = int(os.environ.get("WORKER_MANAGER_TEST_RACES", "40"))
#: Steps from one try to the next.
STRIDE = int(os.environ.get("WORKER_MANAGER_TEST_EVERY", "6"))


@pytest.fixture
def sessions_of(repository: Path, tmux_socket: str) -> Iterator[list[Fleet]]:
    """Four sessions of one repository."""
    return [make_fleet(repository, tmux_socket, f"session-{number}") for number in range(4)]


def unread(fleet: Fleet) -> list[tuple[str, str, bool]]:
    """Type, body and whether it is marked, of each letter that lies unread, but for notices."""
    found = []
    box = Mailbox(mailbox_path(fleet.home))
    for name in box.waiting():
        message = box.peek(name)
        assert message is not None
        if message.type != "adopted":
            found.append((message.type, message.body, ".again" in name or ".maybe" in name))
    return found


def notices(fleet: Fleet, worker: Worker) -> int:
    """How often its session is told that it lost a worker."""
    box = Mailbox(mailbox_path(fleet.home))
    letters = [box.peek(name) for name in box.waiting()]
    return sum((one.type, one.sender) == ("adopted", worker.id) for one in letters if one)


def show(fleet: Fleet, *, is_seen: bool) -> None:
    """A hook shows what waits to a session; whether that reaches its conversation."""
    transcript = Path(f"{fleet.home}.jsonl")
    transcript.touch()
    receipts.note_transcript(fleet.home, str(transcript))
    receipt = expect_receipt(fleet.home)
    claim = fleet.claim_waiting(most=50)
    assert claim is not None
    if is_seen:
        lines = [f'{{"type": "user", "text": "{one.id}"}}\n' for one in claim.messages]
        with transcript.open("a", encoding="utf-8") as file:
            file.write("".join([*lines, '{"type": "assistant"}\n']))
    claim.acknowledge(receipt)


@pytest.mark.promise("owner-adopt")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", [KILL, ENOSPC])
def test_an_adoption_that_fails_at_any_step_loses_no_letter(
    sessions_of: list[Fleet], fault: int
) -> None:
    former, second, third, _ = sessions_of
    root = state_root()
    for at in itertools.count(1, STRIDE):
        worker = recorded_worker(former, "/nowhere", status=Status.RUNNING)
        reports.stalled(former.records, worker.id, "hmm!", occasion="1")
        reports.complete(former.records, worker.id, "done")
        given = (root, second.home, [worker.id], False)
        outcome = run(actions.adopt, *given, root=root, fault=fault, at=at)

        # The one who was to have it looks next, or another one adopts it.
        owner = third if at // STRIDE % 2 else second
        owner.adopt([worker.id])
        owner.reconcile()

        record = owner.records.load(worker.id)
        assert (record.owner, record.formers) == (owner.owner, ())
        told = [("stalled", "hmm!", False), ("completion", "done", False)]
        assert [(kind, text[-4:], mark) for kind, text, mark in unread(owner)] == told
        others = [one for one in sessions_of if one is not owner]
        assert [unread(one) for one in others] == [[], [], []]
        assert (notices(former, worker), notices(owner, worker)) == (1, 0)
        show(owner, is_seen=True)
        if not outcome.killed and outcome.steps < at:
            return


@pytest.mark.promise("owner-adopt")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("is_named", [True, False])
def test_of_two_who_adopt_at_once_one_has_the_worker_and_its_letters(
    sessions_of: list[Fleet], is_named: bool
) -> None:
    former, *rivals, last = sessions_of
    root, records = state_root(), former.records
    ids = [recorded_worker(former, "/nowhere", status=Status.RUNNING).id for _ in range(RACES)]
    for one in ids:
        reports.ask(records, one, f"may {one}?")
    barrier, answers = forks.Barrier(3), forks.SimpleQueue()
    crowd = [
        forks.Process(
            target=actions.adopt_each,
            args=(barrier, answers, root, one.home, ids if is_named else ids[:1], is_named),
        )
        for one in rivals
    ]
    reported = ids if is_named else ids[:1]
    crowd.append(
        forks.Process(target=actions.complete_each, args=(barrier, records.repository, reported))
    )
    for process in crowd:
        process.start()
    got = dict(answers.get() for _ in rivals)
    for process in crowd:
        process.join()
        assert process.exitcode == 0

    assert Counter(one for those in got.values() for one in those) == Counter(ids)
    for rival in rivals:
        assert {one.id for one in records.all() if one.owner == rival.owner} == set(
            got[rival.owner]
        )
        rival.reconcile()
        asked = [body for kind, body, _ in unread(rival) if kind == "question"]
        done = [body for kind, body, _ in unread(rival) if kind == "completion"]
        assert Counter(asked) == Counter(f"may {one}?" for one in got[rival.owner])
        assert Counter(done) == Counter(
            f"done {one}" for one in got[rival.owner] if one in reported
        )
        assert not any(marked for *_, marked in unread(rival))
    assert unread(former) == []

    # Their processes have ended: a third one has all of it after them.
    assert len(last.adopt()) == RACES
    assert len(unread(last)) == RACES + len(reported)
    assert [unread(one) for one in (former, *rivals)] == [[], [], []]
    assert all(not one.formers for one in records.all())


@pytest.mark.promise("owner-adopt")
def test_letters_left_by_an_older_version_are_found(sessions_of: list[Fleet]) -> None:
    former, second, third, _ = sessions_of
    worker = recorded_worker(former, "/nowhere", status=Status.RUNNING)
    reports.complete(former.records, worker.id, "done")
    # Killed between record and mail, by one that noted nothing.
    former.records.update(
        worker.id,
        lambda one: one.adopt(second.owner, at="t").forwarded(
            one.adopt(second.owner, at="t").formers
        ),
    )

    assert second.adopt([worker.id]) == []

    assert unread(second) == [("completion", "done", False)]
    third.adopt([worker.id])
    assert unread(third) == [("completion", "done", False)]
    assert unread(second) == unread(former) == []


@pytest.mark.promise("owner-adopt")
@pytest.mark.parametrize("is_seen", [True, False])
def test_a_question_that_was_shown_and_not_answered_comes_along_marked(
    sessions_of: list[Fleet], is_seen: bool
) -> None:
    former, second, *_ = sessions_of
    worker = recorded_worker(former, "/nowhere", status=Status.RUNNING)
    reports.ask(former.records, worker.id, "tea?")
    show(former, is_seen=is_seen)

    second.adopt()

    assert unread(second) == [("question", "tea?", True)]
    assert unread(former) == []
    assert former.history(most=9) == []


@pytest.mark.promise("owner-adopt")
def test_a_report_whose_reader_was_killed_at_any_step_makes_an_orphan(
    sessions_of: list[Fleet],
) -> None:
    former, second, *_ = sessions_of

    def attempt(at: int) -> Outcome:
        worker = recorded_worker(former, "/nowhere", status=Status.RUNNING)
        reports.complete(former.records, worker.id, "done")
        workers.append(worker)
        return run(actions.read, former.home, 5, root=former.home, at=at)

    workers: list[Worker] = []
    for _, outcome in at_every_step(attempt):
        adopted = [one.id for one in second.adopt()]
        assert outcome.told or adopted == [workers[-1].id]
        if adopted:
            assert [(body, marked) for _, body, marked in unread(second)] in (
                [[("done", True)]] if outcome.told else [[("done", True)], [("done", False)]]
            )
            show(second, is_seen=True)
            show(former, is_seen=True)  # what it is told of its loss
        assert unread(former) == []


@pytest.mark.promise("owner-adopt")
@pytest.mark.parametrize("is_seen", [True, False])
def test_a_report_that_its_session_never_saw_makes_an_orphan(
    sessions_of: list[Fleet], is_seen: bool
) -> None:
    former, second, *_ = sessions_of
    worker = recorded_worker(former, "/nowhere", status=Status.RUNNING)
    reports.complete(former.records, worker.id, "done")
    show(former, is_seen=is_seen)

    assert len(second.adopt()) == (not is_seen)

    assert unread(second) == ([] if is_seen else [("completion", "done", True)])


@pytest.mark.promise("owner-adopt")
def test_what_a_running_session_reads_at_this_moment_is_looked_after_later(
    sessions_of: list[Fleet],
) -> None:
    former, second, *_ = sessions_of
    worker = recorded_worker(former, "/nowhere", status=Status.RUNNING)
    reports.complete(former.records, worker.id, "done")
    claim = former.claim_waiting(most=5)
    assert claim is not None

    second.adopt([worker.id], force=True)

    assert unread(second) == []
    assert [one.owner for one in second.records.load(worker.id).formers] == [former.owner]
    claim.release()  # it could not be written
    second.reconcile()
    assert unread(second) == [("completion", "done", False)]
    assert second.records.load(worker.id).formers == ()
    assert notices(former, worker) == 1


@pytest.mark.promise("owner-adopt")
def test_there_and_back_again(sessions_of: list[Fleet]) -> None:
    former, second, *_ = sessions_of
    worker = recorded_worker(former, "/nowhere", status=Status.RUNNING)
    reports.complete(former.records, worker.id, "done")

    for owner in (second, former, second):
        owner.adopt([worker.id])
        assert unread(owner) == [("completion", "done", False)]

    assert (notices(former, worker), notices(second, worker)) == (2, 1)
    assert adopt.orphans(state_root(), former.records, former.owner, former.records.all())


@pytest.mark.parametrize("place", ["mail", "mail/new"])
def test_a_mailbox_that_is_a_link_keeps_no_other_from_being_adopted(
    sessions_of: list[Fleet], tmp_path: Path, place: str
) -> None:
    former, second, *_ = sessions_of
    worker = recorded_worker(former, "/nowhere", status=Status.RUNNING)
    reports.complete(former.records, worker.id, "done")
    os.rename(f"{former.home}/{place}", tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", f"{former.home}/{place}")

    assert [one.id for one in second.adopt([worker.id])] == [worker.id]
    second.reconcile()

    assert unread(second) == []
    os.unlink(f"{former.home}/{place}")
    os.rename(tmp_path / "elsewhere", f"{former.home}/{place}")
    second.reconcile()
    assert unread(second) == [("completion", "done", False)]


def test_two_reports_at_once_are_both_told(sessions_of: list[Fleet]) -> None:
    fleet = sessions_of[0]
    for number in range(20):
        worker = recorded_worker(fleet, "/nowhere", status=Status.RUNNING)
        barrier = forks.Barrier(2)
        crowd = [
            forks.Process(
                target=actions.ask_at, args=(barrier, fleet.records.repository, worker.id, text)
            )
            for text in ("one?", "two?")
        ]
        for process in crowd:
            process.start()
        for process in crowd:
            process.join()
        assert sorted(body for _, body, _ in unread(fleet)) == ["one?", "two?"], number
        show(fleet, is_seen=True)
