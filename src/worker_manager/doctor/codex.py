"""Codex: whether workers can be started with it, and which dialogs they would meet. Nothing here
asks the model anything.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from worker_manager import config
from worker_manager.agents.codex import hooks, person, program
from worker_manager.crew.lifecycle import choice
from worker_manager.doctor.findings import Finding, Place, failed, ok, unknown, warning
from worker_manager.errors import WorkerManagerError
from worker_manager.processes.probes import ask, version_in
from worker_manager.worktrees import bases

ABOUT = "Codex"


def codex(place: Place) -> list[Finding]:
    """Checks version, message channel, login, trust and hooks; one line where it is not used."""
    is_chosen = _is_chosen(place)
    if shutil.which("codex") is None and not is_chosen:
        return [ok(ABOUT, "not installed, and no setting asks for it.")]
    bad = failed if is_chosen else warning  # workers of other agents work all the same
    try:
        found = program.usable()
    except WorkerManagerError as error:
        return [bad(ABOUT, str(error), f"{program.INSTALL}@latest")]
    version = version_in(ask([found.path, "--version"]).text) or "unknown version"
    working = ok(ABOUT, f"{version}, takes messages by its queue.")
    return [working, _login(found, bad), _trust(place), _hooks(place)]


def _is_chosen(place: Place) -> bool:
    """Whether the default agent runs it, by whatever name."""
    try:
        settings = config.load(Path(place.directory), place.environ)
        return choice.find(settings, settings.agent)[0] == "codex"
    except WorkerManagerError:
        return False  # the check of the settings says so


def _login(found: program.Program, bad: Callable[[str, str, str], Finding]) -> Finding:
    about = f"{ABOUT} login"
    answer = ask([found.path, "login", "status"])
    if answer.trouble:
        return unknown(about, f"{answer.trouble}.")
    if not answer.code:
        said = (answer.text or answer.error).strip().splitlines()
        return ok(about, f"{said[-1] if said else 'logged in'}.")
    if person.has_own_provider():
        return unknown(
            about, "not logged in; the model provider of its settings may need no login."
        )
    return bad(about, "not logged in: each worker would stop at that dialog.", "codex login")


def _trust(place: Place) -> Finding:
    """Its own list decides, by the main checkout; that holds for the worktrees."""
    about = f"{ABOUT} trust"
    try:
        main = str(bases.main_checkout(place.directory))
    except WorkerManagerError:
        main = os.path.realpath(place.directory)
    trusted = person.trusts(main)
    if trusted:
        return ok(about, f"{main} is trusted.")
    how = "not trusted" if trusted is False else "not on its list"
    says = f"{main} is {how}: each worker would stop at the question whether it is."
    return warning(about, says, f"start `codex` once in {main} and decide")


def _hooks(place: Place) -> Finding:
    """They are no must: without them letters come at the end of a turn."""
    about = f"{ABOUT} hooks"
    if hooks.are_known_here(place.directory):
        return ok(about, "ours are reviewed: mail comes mid-turn, permissions can be answered.")
    says = "ours are not reviewed: mail comes at the end of a turn, and what it asks can be "
    return ok(
        about, says + f"answered at its terminal only. To review them: {hooks.review_command()}"
    )
