"""PreToolUse, before tools that write: a worker in a worktree leaves other checkouts alone, and one
that only reads changes nothing.
The launcher has seen that the worker is guarded.
"""

import os
from collections.abc import Iterator

from worker_manager.hooks import protocol
from worker_manager.hooks.shell.words import substituted
from worker_manager.hooks.shell.writes import gits, repositories_changed, stashes, written
from worker_manager.state.workers import guards

EVENT = "PreToolUse"

_STASH = (
    "worker-manager refused this: the stash is one for all worktrees of this repository, so "
    "another worker may take what you put there, and you what is another's. Commit instead: git "
    "commit -m wip, and later git reset --soft HEAD~1. Or keep it yourself: git stash create "
    "prints a commit, git stash apply SHA brings it back."
)
_LOST = (
    "worker-manager refused this: {worktree} is not your worktree any more, since its .git file is "
    "gone or another one, so git there would work on somebody else's repository. Move away what "
    "lies at {worktree}/.git, if anything, then run: git -C {checkout} worktree repair. Your files "
    "stay."
)

_READ_ONLY = (
    "worker-manager refused this: it would change {path}, and you only read. A program that is not "
    "known to change nothing counts as one that does. Look with the programs that only read, or "
    "with your own tools; say in `complete` what should be run or changed."
)


def run() -> int:
    """Refuses, or only notes, what would change a checkout that isn't the worker's own."""
    home = protocol.home()
    guard = guards.read(home) if home else None
    if home is None or guard is None:
        return 0
    given = protocol.stdin()
    stray = next(filter(guard.forbids, _targets(given, guard)), None)
    if stray is not None:
        guards.note_stray(home, os.path.realpath(stray))
        if guard.mode == guards.REFUSE:
            protocol.refuse(_reason(guard, stray))
    elif guard.mode == guards.REFUSE and guard.checkouts:
        command, cwd = _command(given)
        if any(map(guard.concerns, stashes(command, cwd))):
            protocol.refuse(_STASH)
        elif _is_lost(guard, command, cwd):
            protocol.refuse(_LOST.format(worktree=guard.worktree, checkout=guard.checkouts[0]))
    return 0


def _is_lost(guard: guards.Guard, command: str, cwd: str) -> bool:
    """Whether git would be called in the worktree, and there is none any more."""
    places = [place for place, action in gits(command, cwd) if action[:2] != ["worktree", "repair"]]
    if not any(map(guard.holds, places)):
        return False
    from worker_manager.worktrees import marks

    return not marks.is_ours(guard.worktree)


def _command(given: dict[str, object]) -> tuple[str, str]:
    """The shell command, if it is one, and where it would run."""
    wanted = given.get("tool_input")
    is_shell = given.get("tool_name") == "Bash" and isinstance(wanted, dict)
    command = str(wanted.get("command", "")) if is_shell and isinstance(wanted, dict) else ""
    return command, str(given.get("cwd") or os.getcwd())


def _targets(given: dict[str, object], guard: guards.Guard) -> Iterator[str]:
    """The paths that the tool would write."""
    wanted = given.get("tool_input")
    if not isinstance(wanted, dict):
        return
    cwd = str(given.get("cwd") or os.getcwd())
    if given.get("tool_name") == "Bash":
        command = str(wanted.get("command", ""))
        yield from written(command, cwd)
        if guard.is_read_only:
            yield from _changed(command, cwd, guard)
        return
    for name in ("file_path", "notebook_path"):
        if wanted.get(name):
            yield os.path.join(cwd, os.path.expanduser(str(wanted[name])))


def _changed(command: str, cwd: str, guard: guards.Guard) -> Iterator[str]:
    """What else one who only reads must leave alone."""
    from worker_manager.hooks.shell.hidden_writes import has_hidden_write

    inner = list(substituted(command))
    for one in inner:
        yield from written(one, cwd)
    for one in (command, *inner):
        yield from repositories_changed(one, cwd)
        if has_hidden_write(one, cwd):
            yield guard.worktree  # where it goes is not known


def _reason(guard: guards.Guard, stray: str) -> str:
    if guard.is_read_only:
        return _READ_ONLY.format(path=os.path.realpath(stray))
    return (
        f"worker-manager refused this: it would change {os.path.realpath(stray)}, which is not in "
        f"your worktree but in a checkout that others work in. Your worktree is {guard.worktree}: "
        f"change {guard.instead(stray)} instead, and run commands that may write in your worktree. "
        "If the other checkout itself must change, call `ask` and say why."
    )
