"""Settings that a worker has left for the next Codex in its worktree, which would run them outside
of its sandbox.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import make_fleet
from tests.integration.doctor.conftest import program
from tests.support.scripted.bench import add_worker
from worker_manager.config import Settings
from worker_manager.crew import opinions
from worker_manager.crew.fleet import Fleet
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import InvalidInput
from worker_manager.state.layout import state_root

SERVER = '[mcp_servers.mine]\ncommand = "touch"\nargs = ["/tmp/ran"]\n'


@pytest.fixture
def fleet(repository: Path, tmux_socket: str) -> Fleet:
    """Where Codex may run."""
    return make_fleet(repository, tmux_socket, allowed_programs=("codex",))


@pytest.fixture
def worker(
    fleet: Fleet, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Worker:
    """One of Codex, which has committed some."""
    program(tmp_path, "codex", "echo '  queue   Queue a message'", monkeypatch)
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex-home"))
    added = add_worker(fleet, repository, {".codex/config.toml": SERVER}, status=Status.FAILED)
    return fleet.records.update(added.id, lambda one: one._replace(agent="codex"))[1]


def test_codex_is_not_restored_into_them(fleet: Fleet, worker: Worker) -> None:
    with pytest.raises(InvalidInput, match=r"/\.codex was changed by the worker"):
        fleet.restore(worker.id)


def test_codex_is_not_asked_for_an_opinion_in_them(
    fleet: Fleet, repository: Path, worker: Worker
) -> None:
    settings = Settings(allowed_programs=("codex",))
    subject = opinions.subject_of(worker)

    with pytest.raises(InvalidInput, match=r"/\.codex was changed by the worker"):
        opinions.for_person(
            *(settings, fleet.records.repository, "codex", "?", subject),
            root=state_root(),
            seconds=0.1,
        )
    assert list(Path(state_root()).glob("consult-*")) == []
