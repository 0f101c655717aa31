"""Runs all checks of the doctor at the same time, each with a time limit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from worker_manager.doctor import (
    claude,
    codex,
    disk,
    hook_health,
    leftovers,
    programs,
    repository,
    settings,
    terminals,
    wake_test,
)
from worker_manager.doctor.findings import Finding, Place, Verdict, unknown

Check = Callable[[Place], list[Finding]]
#: A hung disk or program holds up its own line only.
SECONDS = 60.0


class Named(NamedTuple):
    """A check, with the name that is reported when it does not answer."""

    about: str
    look: Check


CHECKS = (
    Named("Python", programs.python),
    Named("git", programs.git),
    Named("tmux", programs.tmux),
    Named("Claude Code", claude.version),
    Named("login", claude.login),
    Named("plugin", claude.plugin),
    Named("Codex", codex.codex),
    Named("settings", settings.settings),
    Named("repository", repository.repository),
    Named("hooks", hook_health.hooks),
    Named("MCP server", hook_health.servers),
    Named("doorbell", hook_health.doorbell),
    Named("state directory", disk.state_directory),
    Named("disk", disk.space),
    Named("memory", disk.memory),
    Named("tmux server", terminals.servers),
    Named("workers", leftovers.workers),
    Named("leftovers", leftovers.leftovers),
)
#: With `--deep`: what else is only concluded from what sessions left is tried.
TRIED = ("hooks", "MCP server", "doorbell")
DEEP_CHECKS = (
    *(check for check in CHECKS if check.about not in TRIED),
    Named("doorbell", wake_test.session),
)


def examine(
    place: Place, checks: Iterable[Named] = CHECKS, *, seconds: float = SECONDS
) -> Iterator[Finding]:
    """Yields the findings of the checks in their order, each as soon as it is known."""
    running = [_Running(check, place) for check in checks]
    deadline = time.monotonic() + seconds
    for check in running:
        yield from check.findings(deadline)


def repair(findings: Iterable[Finding]) -> list[str]:
    """Runs the `fix` of each finding that has one. Returns a sentence for each: what was done, or
    why not.
    """
    return [_done(finding) for finding in findings if finding.fix]


def is_sound(findings: Iterable[Finding]) -> bool:
    """Returns True if no finding is `failed`."""
    return all(finding.verdict is not Verdict.FAILED for finding in findings)


def _done(finding: Finding) -> str:
    assert finding.fix is not None  # noqa: S101  the caller has looked
    try:
        return finding.fix()
    except Exception as error:  # noqa: BLE001  the others are repaired all the same
        return f"{finding.about}: not repaired: {error}"


class _Running:
    """A check in a thread of its own; abandoned when it hangs."""

    def __init__(self, check: Named, place: Place) -> None:
        self._about = check.about
        self._found: list[Finding] = []
        self._thread = threading.Thread(target=self._run, args=(check, place), daemon=True)
        self._thread.start()

    def _run(self, check: Named, place: Place) -> None:
        try:
            self._found = check.look(place)
        except Exception as error:  # noqa: BLE001  a look that fails says nothing of the thing
            says = f"the look itself failed: {type(error).__name__}: {error}"
            self._found = [unknown(check.about, says)]

    def findings(self, deadline: float) -> list[Finding]:
        self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._thread.is_alive():
            return [unknown(self._about, "no answer in time: something here hangs.")]
        return self._found
