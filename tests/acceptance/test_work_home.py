"""The whole way of work: three real workers, two of them in conflict, until all is merged."""

from __future__ import annotations

import os
import re

import pytest

from tests.support.claude.claude_lab import ClaudeLab
from tests.support.claude.crew import CREW, start_boss, worker_id
from tests.support.claude.messages_api import MessagesApi
from tests.support.claude.replies import Reply, call
from tests.support.claude.requests import Request
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.claude, pytest.mark.newest_claude]


def shell(command: str) -> Reply:
    return call("Bash", command=command, description="Work")


def commit(file: str, text: str) -> Reply:
    return shell(f"echo {text} > {file} && git add -A && git commit -qm {text}")


def script_worker(api: MessagesApi, marker: str, *replies: Reply) -> None:
    """What the model of the worker with this marker says, one after the other, and at the end."""
    name = f"worker {marker}"
    api.name_session(name, first_prompt=f"{marker} work")
    for reply in replies:
        api.on(name, lambda r: bool(r.latest) and "Delivered" not in r.new_text, reply)


def complete(summary: str) -> Reply:
    return call(f"{CREW}complete", summary=summary)


class Boss:
    """The orchestrator: its user says one thing after the other."""

    def __init__(self, lab: ClaudeLab, api: MessagesApi) -> None:
        self._api = api
        api.name_session("boss", first_prompt="^BOSS")
        self._session = start_boss(lab)

    def use(self, tool: str, **arguments: object) -> Request:
        """Its model calls a tool; the request that holds the result."""
        self._session.wait_for_status("idle")
        word = f"use {len(self._api.requests('boss'))}"
        self._api.on("boss", f"^{word}$", call(f"{CREW}{tool}", **arguments))
        before = self._api.requests("boss")[-1]
        self._session.type(word)
        asked = self._api.wait_for_request("boss", f"^{word}$", after=before)
        return self._api.wait_for_request("boss", "", after=asked)

    def start(self, marker: str, **more: object) -> str:
        """The worker's id."""
        task = f"{marker} work"
        return worker_id(self.use("start_worker", title=f"Do {marker}", task=task, **more))


@pytest.mark.promise("work-home")
def test_three_workers_two_in_conflict_end_merged_and_cleaned(
    crew: ClaudeLab, api: MessagesApi
) -> None:
    go = crew.root / "go"
    wait = shell(f"while [ ! -e {go} ]; do sleep 0.2; done")
    script_worker(api, "W1", commit("shared", "one"), wait, complete("DONE-W1"))
    script_worker(api, "W2", commit("shared", "two"), wait, complete("DONE-W2"))
    early = complete("too early")
    script_worker(api, "W3", early, commit("other", "three"), complete("DONE-W3"))
    clean_before = crew.git("worktree", "list"), sorted(os.listdir(crew.repository))
    boss = Boss(crew, api)
    boss.start("W1")
    second_id = boss.start("W2")
    third_id = boss.start("W3", checks=["grep three other"])

    told = api.wait_for_request("boss", r"\[conflict m")
    assert "'shared'" in told.new_text
    order = re.search(r"merge_worker (\w+) \(.*?then have (\w+) ", told.new_text)
    assert order, told.new_text
    first, second = order.groups()
    go.touch()
    for marker in ("W1", "W2", "W3"):
        api.wait_for_request("boss", f"DONE-{marker}")
    assert "grep three other" in api.wait_for_request("worker W3", "grep three other").new_text
    assert api.times_told("boss", "too early") == 0

    merged = boss.use("merge_worker", ids=[first, third_id], checks=["test -e shared"])
    assert "is in main" in merged.new_text
    refused = boss.use("merge_worker", ids=[second])
    assert "shared" in refused.new_text
    assert crew.git("status", "--porcelain") == ""

    resolver = "worker W2" if second == second_id else "worker W1"
    resolve = "git merge -q main; echo both > shared; git add -A; git commit -qm both"
    api.on(resolver, "RESOLVE", shell(resolve))
    api.on(resolver, lambda r: "Delivered" not in r.new_text, complete("RESOLVED-1"))
    boss.use("nudge_worker", id=second, message="RESOLVE the conflict with main")
    api.wait_for_request("boss", "RESOLVED-1")
    merged = boss.use("merge_worker", ids=[second])
    assert "is in main" in merged.new_text
    cleaned = boss.use("clean_workers")
    assert "Cleaned 3 of 3" in cleaned.new_text

    files = {name: (crew.repository / name).read_text("utf-8") for name in ("shared", "other")}
    assert files == {"shared": "both\n", "other": "three\n"}
    assert crew.git("branch", "--format=%(refname:short)").split() == ["main"]
    listed, names = clean_before
    assert crew.git("worktree", "list").split()[0] == listed.split()[0]
    assert len(crew.git("worktree", "list").splitlines()) == 1
    assert sorted(os.listdir(crew.repository)) == sorted([*names, "other", "shared", ".worktrees"])
    assert os.listdir(crew.repository / ".worktrees") == []
    wait_until(lambda: len(crew.session_states()) == 1, missing=lambda: "their sessions run still")
    # That the one left over no longer fits main may be told, too.
    assert api.times_told("boss", "The branches of workers") == 1
