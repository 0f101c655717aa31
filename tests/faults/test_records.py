"""Records and reports survive whatever happens to the process that changes them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.faults import actions
from tests.faults.injection import ERRORS, KILL, Outcome, at_every_step, run
from worker_manager.crew.reporting import reports
from worker_manager.domain.worker import Status, Worker
from worker_manager.state.layout import mailbox_path
from worker_manager.state.mail.mailbox import Mailbox
from worker_manager.state.workers.records import Records

#: `python -m tests.stress faults` takes more.
EXAMPLES = int(os.environ.get("WORKER_MANAGER_TEST_EXAMPLES", "10"))
FAULTS = st.tuples(st.sampled_from((KILL, *ERRORS)), st.integers(1, 60))


def worker(worker_id: str = "0123abcd") -> Worker:
    return Worker(
        id=worker_id,
        name=f"t-{worker_id}",
        title="t",
        owner="boss",
        created_at="2026",
        project="/",
        path="/",
        agent="scripted",
        session_id="s",
        handle="h",
        mark="m",
        status=Status.RUNNING,
    )


class RecordMachine(RuleBasedStateMachine):
    """One worker that asks, goes on and completes; each call may die or fail and be retried."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.repository = str(Path(self._folder.name).resolve() / "repository")
        self.records = Records(self.repository)
        self.records.create(worker())
        self.last: tuple[object, str] | None = None
        self.texts: list[str] = []
        self.certain: set[str] = set()
        self.letters: list[str] = []

    @rule(action=st.sampled_from((actions.ask, actions.complete)), fault=st.none() | FAULTS)
    def report(self, action: object, fault: tuple[int, int] | None) -> None:
        text = f"text {len(self.texts)}"
        self.texts.append(text)
        self.last = (action, text)
        self.call(action, text, fault=fault)

    @precondition(lambda self: self.last)
    @rule(fault=st.none() | FAULTS)
    def retry(self, fault: tuple[int, int] | None) -> None:
        """A client that heard nothing, or an error, says the same again."""
        assert self.last
        self.call(*self.last, fault=fault)

    @rule(fault=st.none() | FAULTS)
    def go_on(self, fault: tuple[int, int] | None) -> None:
        self.last = None  # from now on the same question is another one
        self.run(actions.go_on, fault=fault)

    @rule(fault=st.none() | FAULTS)
    def redeliver(self, fault: tuple[int, int] | None) -> None:
        kind, at = fault or (KILL, 10**9)
        outcome = run(
            actions.redeliver, self.repository, "boss", root=self.repository, fault=kind, at=at
        )
        assert "OSError" not in outcome.error

    @rule()
    def read(self) -> None:
        claim = self.mailbox().claim()
        if claim is not None:
            self.letters += [one.body for one in claim.messages]
            assert not any(one.repeat for one in claim.messages)
            claim.acknowledge()

    def call(self, action: object, text: str, *, fault: tuple[int, int] | None) -> None:
        outcome = self.run(action, text, fault=fault)
        if not outcome.killed and not outcome.error:
            self.certain.add(text)

    def run(self, action: object, *args: object, fault: tuple[int, int] | None) -> Outcome:
        number, at = fault or (KILL, 10**9)
        outcome = run(
            action,  # type: ignore[arg-type]
            self.repository,
            "0123abcd",
            *args,
            root=self.repository,
            fault=number,
            at=at,
        )
        kind = outcome.error.partition(":")[0]
        # It may ask after it has completed, and is told that nobody would answer.
        assert kind in ("", "StateUnavailable", "WorkerFinished"), outcome.error
        assert self.records.damaged() == []
        self.records.load("0123abcd")
        return outcome

    def mailbox(self) -> Mailbox:
        mailbox = Mailbox(mailbox_path(f"{self.repository}/orchestrators/boss"))
        mailbox.create()
        return mailbox

    def teardown(self) -> None:
        """A calm day: every report that was accepted is there, once, and in its order."""
        reports.redeliver_all(self.records, self.records.all())
        self.read()
        self._folder.cleanup()
        assert self.certain <= set(self.letters), "lost"
        assert self.letters == [text for text in self.texts if text in self.letters], "order"


@pytest.mark.timeout(600)
@pytest.mark.promise("report-once", "report-repair", "record-kept")
class TestRecords(RecordMachine.TestCase):
    settings = settings(
        max_examples=EXAMPLES,
        stateful_step_count=20,
        database=None,
    )


@pytest.mark.promise("record-kept")
@pytest.mark.parametrize("fault", [KILL, *ERRORS])
def test_a_record_made_by_a_process_that_fails_is_whole_or_absent(
    tmp_path: Path, fault: int
) -> None:
    records = Records(str(tmp_path / "repository"))
    for at, outcome in at_every_step(
        lambda at: run(
            actions.create,
            records.repository,
            worker(f"{at:08x}"),
            root=str(tmp_path),
            fault=fault,
            at=at,
        )
    ):
        known = {one.id for one in records.all()}
        assert records.damaged() == []
        if outcome.error:
            assert not list(Path(records.repository).glob(f"workers/*{at:08x}"))
        elif not outcome.killed:
            assert f"{at:08x}" in known


@pytest.mark.promise("report-end")
@pytest.mark.parametrize("fault", [KILL, *ERRORS])
def test_an_end_that_is_reported_by_a_process_that_fails_is_told_once(
    tmp_path: Path, fault: int
) -> None:
    records = Records(str(tmp_path / "repository"))

    def attempt(at: int) -> Outcome:
        records.create(worker(f"{at:08x}"))
        return run(
            actions.ended, records.repository, f"{at:08x}", root=str(tmp_path), fault=fault, at=at
        )

    steps = 0
    for at, _ in at_every_step(attempt):
        reports.ended(records, f"{at:08x}", exit_code=1, screen="")
        steps = at
    reports.redeliver_all(records, records.all())
    claim = Mailbox(mailbox_path(f"{records.repository}/orchestrators/boss")).claim(limit=1000)
    assert claim is not None
    assert sorted(one.sender for one in claim.messages) == [f"{n:08x}" for n in range(1, steps + 1)]
