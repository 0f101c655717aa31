"""`worker-manager agents`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from worker_manager.cli import targets
from worker_manager.cli.declaration import make_command
from worker_manager.errors import InvalidInput

if TYPE_CHECKING:
    from worker_manager.crew.repository import Repository
    from worker_manager.views.catalogue import ListedAgent

_EXAMPLE = """\
worker-manager agents
worker-manager agents --enable codex"""
_HEADS = ("NAME", "PROGRAM", "VERSION", "LOGIN", "ABOUT")
_WIDTHS = (24, 10, 14, 7)
_LOGIN = {True: "yes", False: "no", None: "unknown"}


@make_command("agents", example=_EXAMPLE, result="Catalogue")
@click.option("--enable", metavar="NAME", help="Let its program see the code of this repository.")
@click.option("--disable", metavar="NAME", help="No more; what runs goes on.")
def command(enable: str | None, disable: str | None, as_json: bool) -> None:
    """List the agents that can be named here: programs, and those of your settings.

    Programs of others than Anthropic start only where you have allowed it.
    """
    from worker_manager.cli import results
    from worker_manager.cli.terminal.output import emit, print_wrapped
    from worker_manager.cli.terminal.spinner import busy
    from worker_manager.views import catalogue

    repository = targets.repository()
    said = _change(repository, enable, disable)
    if said and not as_json:
        print_wrapped("\n".join(said))
        return
    with busy("asking each program"):
        found = catalogue.agents(repository.settings, repository.records.repository)
    if as_json:
        emit(results.Catalogue(found))
        return
    click.echo("\n".join(_table(found)))
    notes = list(dict.fromkeys(_notes(found)))
    if notes:
        print_wrapped("\n".join(["", *notes]))


def _change(repository: Repository, enable: str | None, disable: str | None) -> list[str]:
    """Notes what the person allows, and no longer does; what there is to say of it. Raises
    InvalidInput.
    """
    from worker_manager.agents import needs_leave
    from worker_manager.crew.lifecycle import choice
    from worker_manager.state import allowed_programs

    said = []
    settings, state = repository.settings, repository.records.repository
    for name, is_wanted in ((enable, True), (disable, False)):
        if name is None:
            continue
        program, _ = choice.find(settings, name)
        if not needs_leave(program):
            said.append(f"{program} needs no leave: it sends code to nobody new.")
            continue
        _require_person(name, is_wanted=is_wanted)
        if is_wanted:
            allowed_programs.allow(state, program)
            said.append(f"{program} may see the code of this repository from now on.")
        else:
            allowed_programs.withdraw(state, program)
            still = choice.is_allowed(settings, state, program)
            why = "Your own settings still allow it everywhere" if still else ""
            said.append(why or f"{program} may not see the code of this repository any more.")
    return said


def _require_person(name: str, *, is_wanted: bool) -> None:
    """Raises InvalidInput in the shell of a worker or of a Claude session: who would send the code
    somewhere must not be who allows it.
    """
    from worker_manager.state import process_identity, sessions
    from worker_manager.state.layout import state_root
    from worker_manager.state.workers import launches

    root, variables = state_root(), ("WORKER_MANAGER_WORKER_ID", "CLAUDECODE")
    is_session = any(sessions.find_by_process(root, pid) for pid in process_identity.ancestors())
    if is_session or launches.worker_above(root) or any(map(os.environ.get, variables)):
        option = "--enable" if is_wanted else "--disable"
        raise InvalidInput(
            f"This is the shell of an agent. Whether another program may see the code, a person "
            f"says at a terminal of their own: worker-manager agents {option} {name}."
        )


def _table(found: Sequence[ListedAgent]) -> list[str]:
    from worker_manager.cli.terminal.columns import cut, fill, widths
    from worker_manager.cli.terminal.output import bold

    rows = [_HEADS, *map(_cells, found)]
    sizes = widths([row[:-1] for row in rows], _WIDTHS)
    columns = shutil.get_terminal_size().columns
    lines = ["  ".join([*map(fill, row, sizes), row[-1]]).rstrip() for row in rows]
    return [bold(lines[0]), *(cut(line, columns) for line in lines[1:])]


def _cells(one: ListedAgent) -> tuple[str, ...]:
    from worker_manager.text.rendering import one_line

    version = (one.version or "unknown") if one.is_installed else "not installed"
    login = _LOGIN[one.is_logged_in] if one.install and one.is_installed else ""
    about = one_line(one.about) or ("the default" if one.is_default else "")
    if one.problem:
        return (one.name, one.program, "", "", f"can't be started: {one_line(one.problem)}")
    return (one.name, one.program, version, login, about)


def _notes(found: Sequence[ListedAgent]) -> list[str]:
    """What is to be done before some can be started."""
    from worker_manager.text.rendering import one_line

    notes = []
    for one in found:
        if one.problem:
            notes.append(f"{one.name}: {one_line(one.problem)}")
        elif not one.is_installed:
            notes.append(f"{one.program} is not installed: {one.install}")
        elif not one.is_allowed:
            notes.append(
                f"{one.program} may not see the code of this repository yet: worker-manager agents "
                f"--enable {one.program}"
            )
    return notes
