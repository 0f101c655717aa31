"""Workers of an agent that is not Claude Code."""

import json
import sys
from pathlib import Path

import pytest

from tests.support.scripted.bench import add_worker
from worker_manager import agents
from worker_manager.crew.fleet import Fleet
from worker_manager.domain.worker import Status, Worker
from worker_manager.state.mail import receipts
from worker_manager.views import log
from worker_manager.views.facts import facts_of

#: Another program, which has a price list of its own, and nothing else that can be asked.
_OTHER = """
from worker_manager.agents.base import Usage
from worker_manager.agents.unknown import *

class _Meter:
    def usage(self, path):
        return Usage(read=7, written=3, fresh=10, context=7, cost=0.25)

def meter(price_list):
    return _Meter()

def bytes_written(transcript):
    return 1
"""


def worker_of(agent: str, fleet: Fleet, repository: Path, transcript: Path) -> Worker:
    """One whose transcript looks like Claude Code's, and has a price there."""
    usage = {"input_tokens": 1_000_000, "output_tokens": 0}
    message = {"id": "a", "usage": usage, "model": "claude-opus-5-5", "content": "words"}
    transcript.write_text(json.dumps({"type": "assistant", "message": message}) + "\n", "utf-8")
    added = add_worker(fleet, repository, title="t", status=Status.RUNNING)
    worker = fleet.records.update(added.id, lambda one: one._replace(agent=agent))[1]
    receipts.note_transcript(fleet.records.home(worker.id), str(transcript))
    return worker


def test_a_worker_of_an_agent_that_only_another_version_knows_is_listed_without_answers(
    fleet: Fleet, repository: Path, tmp_path: Path
) -> None:
    worker = worker_of("other", fleet, repository, tmp_path / "transcript")

    facts = facts_of(fleet, worker)
    assert (facts.id, facts.agent, facts.doing) == (worker.id, "other", "")
    assert (facts.tokens_read, facts.cost_usd) == (None, None)
    assert log.read(fleet, worker, "", 8_000).worker == worker


@pytest.mark.promise("cost")
def test_each_agent_has_prices_of_its_own(
    fleet: Fleet, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other_agent.py").write_text(_OTHER, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(agents._MODULES, "other", "other_agent")
    worker = worker_of("other", fleet, repository, tmp_path / "transcript")
    of_claude = worker_of("claude", fleet, repository, tmp_path / "claudes")

    shown = facts_of(fleet, worker)
    assert (shown.tokens_read, shown.context_tokens, shown.cost_usd) == (7, 7, 0.25)
    assert facts_of(fleet, of_claude).cost_usd not in (None, 0.25)
    del sys.modules["other_agent"]
