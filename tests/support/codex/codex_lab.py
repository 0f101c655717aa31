"""The real Codex in a throw-away home against a scripted API, its workers started by a fleet."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.support.codex.responses_api import ResponsesApi
from tests.support.processes import processes_with
from tests.support.waiting import wait_until
from worker_manager.agents.codex import rollouts
from worker_manager.crew.fleet import Fleet
from worker_manager.domain.worker import Status, Worker
from worker_manager.state.layout import transcript_of

#: It runs its tools in code mode, as all current ones.
MODEL = "gpt-6.1-sol"
#: Off the network: a closed port.
NOWHERE = "http://127.0.0.1:9"


class CodexLab:
    """A person's Codex: its home, with the repositories that they trust, and its program."""

    def __init__(
        self, folder: Path, program: Path, api: ResponsesApi, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.api = api
        self.home = folder / "codex"
        self.home.mkdir()
        # Below the temporary directory Codex warns of its own helpers.
        tmp, programs = folder / "tmp", folder / "bin"
        tmp.mkdir()
        programs.mkdir()
        (programs / "codex").symlink_to(program)
        for name in os.environ:
            if name.startswith(("CODEX_", "OPENAI_")):
                monkeypatch.delenv(name)
        monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("CODEX_HOME", str(self.home))
        monkeypatch.setenv("TMPDIR", str(tmp))
        monkeypatch.setenv("LAB_KEY", "x")
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, NOWHERE)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        self.trust()

    def trust(self, *repositories: Path) -> None:
        """Has the person's settings name the scripted model, and trust these repositories."""
        lines = [
            f'model = "{MODEL}"',
            'model_provider = "lab"',
            "[model_providers.lab]",
            'name = "lab"',
            f'base_url = "{self.api.url}"',
            'env_key = "LAB_KEY"',
            'wire_api = "responses"',
            "request_max_retries = 0",
            "[features]",
            "plugins = false",
            "apps = false",
            "[analytics]",
            "enabled = false",
        ]
        for one in repositories:
            lines += [f"[projects.{json.dumps(str(one))}]", 'trust_level = "trusted"']
        (self.home / "config.toml").write_text("\n".join(lines) + "\n", "utf-8")

    def processes(self) -> list[int]:
        """Every process of this lab: those that have its home."""
        found = processes_with(f"CODEX_HOME={self.home}")
        return [pid for pid in found if pid != os.getpid()]

    def has_ended(self) -> bool:
        """Whether nothing of it runs any more."""
        return not self.processes()


def rollout(fleet: Fleet, worker: Worker) -> list[dict[str, object]]:
    """What Codex wrote of a worker's session so far."""
    return list(rollouts.records(transcript_of(fleet.records.home(worker.id)), 0))


def wait_for_status(fleet: Fleet, worker: Worker, *wanted: Status) -> Worker:
    """The worker, once it stands so."""
    return wait_until(
        lambda: one if (one := fleet.worker(worker.id)).status in wanted else None,
        missing=lambda: f"{fleet.worker(worker.id)}\n{fleet.screen(fleet.worker(worker.id))}",
    )


def wait_until_idle(fleet: Fleet, worker: Worker) -> None:
    """Waits until its last turn has ended."""

    def is_idle() -> bool:
        doing = fleet.activity(worker)
        return doing is not None and doing.status == "idle"

    wait_until(is_idle, missing=lambda: f"{fleet.activity(worker)}\n{fleet.screen(worker)}")
