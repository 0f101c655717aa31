"""Workers of named agents: what they get, and that it stays theirs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import make_fleet
from tests.support.scripted.workers import HANG, take_mail
from tests.support.waiting import wait_until
from worker_manager import agents, config
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle import equipment
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.domain.worker import Status
from worker_manager.errors import InvalidInput
from worker_manager.state import allowed_programs
from worker_manager.text.rendering import for_models
from worker_manager.views import announcements
from worker_manager.views.facts import facts_of

TABLES = """
[agents.builder]
agent = "scripted"
model = "small"
role = "You build."
checks = ["test -e README"]
budget_tokens = 500
read_only = false
"""
DONE = '```steps\n[{"complete": "built"}]\n```'


@pytest.fixture
def named(repository: Path, tmux_socket: str) -> Fleet:
    """A fleet in a repository that names an agent."""
    (repository / config.FILE).write_text(TABLES, "utf-8")
    tables = config.load(repository, {"XDG_CONFIG_HOME": str(repository / "none")}).agents
    return make_fleet(repository, tmux_socket, agents=tables, model="settings", budget_tokens=7)


@pytest.mark.promise("agent-named")
def test_a_worker_has_what_its_agent_says(named: Fleet) -> None:
    started = named.start(StartRequest("t", DONE, agent="builder", checks=["true"]))
    worker = started.worker

    assert (worker.agent, worker.agent_name, worker.model) == ("scripted", "builder", "small")
    assert worker.checks == ("test -e README", "true")
    assert worker.budget_tokens == 500
    assert equipment.in_home(named.records.home(worker.id)).role == "You build."
    assert "builder (scripted)" in announcements.started(started, "", for_models)[0]
    assert (facts_of(named, worker).agent, facts_of(named, worker).agent_name) == (
        "scripted",
        "builder",
    )
    wait_until(lambda: named.worker(worker.id).status is Status.COMPLETED)
    assert "Checks: 2 of 2 passed: test -e README" in take_mail(named)[0].body


@pytest.mark.promise("agent-named")
def test_what_a_start_says_itself_goes_before_what_its_agent_says(named: Fleet) -> None:
    request = StartRequest("t", HANG, agent="builder", model="large", budget_tokens=0)
    worker = named.start(request).worker

    assert (worker.model, worker.budget_tokens) == ("large", 0)


def test_a_program_is_an_agent_of_its_own_name(named: Fleet) -> None:
    worker = named.start(StartRequest("t", HANG)).worker

    assert (worker.agent, worker.agent_name) == ("scripted", "scripted")
    assert (worker.model, worker.budget_tokens) == ("settings", 7)
    assert not os.path.lexists(os.path.join(named.records.home(worker.id), equipment.FILE))


def test_the_model_of_the_settings_is_for_the_program_of_the_settings_alone(
    repository: Path, tmux_socket: str
) -> None:
    tables = {"other": {"agent": "scripted"}}
    fleet = make_fleet(repository, tmux_socket, agent="claude", model="opus", agents=tables)

    assert fleet.start(StartRequest("t", HANG, agent="other")).worker.model == ""


@pytest.mark.promise("agent-named")
def test_a_queued_worker_starts_as_what_it_was_started_as(
    named: Fleet, repository: Path, tmux_socket: str
) -> None:
    settings = named.context.settings._replace(max_workers=1)
    full = make_fleet(repository, tmux_socket, **settings._asdict())
    first = full.start(StartRequest("t", HANG)).worker
    queued = full.start(StartRequest("t", DONE, agent="builder")).worker
    assert queued.status is Status.QUEUED

    changed = {"builder": {**settings.agents["builder"], "role": "Other.", "model": "other"}}
    later = make_fleet(repository, tmux_socket, **{**settings._asdict(), "agents": changed})
    later.stop(first.id)
    later.supervisor.supervise_once()

    wait_until(lambda: later.worker(queued.id).status is Status.COMPLETED)
    worker = later.worker(queued.id)
    assert (worker.agent_name, worker.model) == ("builder", "small")
    assert equipment.in_home(later.records.home(worker.id)).role == "You build."


@pytest.mark.promise("agent-named")
def test_a_restored_and_an_adopted_worker_is_still_of_its_agent(
    named: Fleet, repository: Path, tmux_socket: str
) -> None:
    worker = named.start(StartRequest("t", HANG, agent="builder")).worker
    wait_until(lambda: named.worker(worker.id).status is Status.RUNNING)
    named.stop(worker.id)
    without = make_fleet(repository, tmux_socket, session="session-2")  # nobody names it any more
    without.adopt([worker.id], force=True)

    restored = without.restore(worker.id)
    assert (restored.agent, restored.agent_name, restored.model) == ("scripted", "builder", "small")
    assert equipment.in_home(without.records.home(worker.id)).role == "You build."


@pytest.mark.promise("agent-allowed")
def test_another_vendors_program_starts_only_where_the_person_allows_it(
    named: Fleet, repository: Path, tmux_socket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents, "_OURS", ("claude",))
    with pytest.raises(InvalidInput, match="--enable scripted allows it here") as caught:
        named.start(StartRequest("t", HANG, agent="builder"))
    assert 'allowed_programs = ["scripted"] in ' in str(caught.value)
    assert named.workers() == []

    own = named.context.settings._replace(allowed_programs=("scripted",))
    assert make_fleet(repository, tmux_socket, **own._asdict()).start(StartRequest("t", HANG))

    allowed_programs.allow(named.records.repository, "scripted")
    worker = named.start(StartRequest("t", HANG, agent="builder")).worker
    named.stop(worker.id)
    assert allowed_programs.withdraw(named.records.repository, "scripted")
    with pytest.raises(InvalidInput, match="another vendor's program"):
        named.restore(worker.id)
    assert named.worker(worker.id).status is Status.STOPPED


@pytest.mark.promise("agent-told")
def test_an_agent_that_is_not_there_leaves_nothing(named: Fleet) -> None:
    with pytest.raises(InvalidInput, match="Did you mean builder"):
        named.start(StartRequest("t", HANG, agent="bilder"))
    assert named.workers() == []
