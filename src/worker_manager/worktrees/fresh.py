"""Fills a worktree that git has registered, but not filled: looked at first, then marked as ours,
then its files; the person's own hook last.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from worker_manager.errors import WorktreeRefused
from worker_manager.worktrees import baseline, evidence, marks
from worker_manager.worktrees.git import ask, attempt, last_line, run

HOOK = "post-checkout"
HOOK_SECONDS = 300
#: Of git's list of files (index) when they are fewer than the 100 that are worth several processes.
FEW_BYTES = 6_400
#: Lines of what a hook said.
_SAID_LINES = 5
#: The place of hooks last: it may have a newline in it.
_PLACES = (
    *("rev-parse", "--path-format=absolute", "--show-toplevel", "--git-dir"),
    *("--git-path", "hooks"),
)


def require_registered(path: Path) -> str:
    """Raises WorktreeRefused unless git recognizes `path` as the worktree that was made there. When
    settings shared by all worktrees lead git elsewhere, it writes settings for this worktree first.
    Returns the directory of its hooks.
    """
    admin = marks.pointed_at(str(path))
    expected = f"{os.path.realpath(path)}\n{admin}\n"
    said = ask(str(path), *_PLACES)
    if not said.text.startswith(expected):
        setting = ("config", "--file", os.path.join(admin, "config.worktree"))
        run(str(path), *setting, "core.bare", "false")
        run(str(path), *setting, "core.worktree", os.path.realpath(path))
        said = ask(str(path), *_PLACES)
    if not said.text.startswith(expected):
        found = last_line(said.error) if said.code else said.text.split("\n")[0]
        raise WorktreeRefused(
            f"git, asked in the new worktree {path}, does not find it, but: {found}. Run git -C "
            f"{path.parent} config --show-origin --get-regexp '^(core|safe|extensions)' to see "
            "which setting leads it there."
        )
    return said.text.removeprefix(expected).removesuffix("\n")


def has_hook(hooks: str) -> bool:
    """Returns True if the directory holds an executable post-checkout hook."""
    return os.access(os.path.join(hooks, HOOK), os.X_OK)


def fill(checkout: Path, path: Path, meanwhile: Callable[[], None]) -> None:
    """Checks out the files of a new worktree, as `git worktree add` would: on all cores unless git
    is configured otherwise, without downloading large files. `meanwhile` runs while git does.
    Raises WorktreeRefused.
    """
    more = ["-c", "checkout.workers=0"] if _may_use_all_cores(checkout) else []
    place = {"GIT_DIR": str(path / ".git"), "GIT_WORK_TREE": str(path)}
    more += ["-c", "core.fsmonitor=false"]  # no daemon for what may be taken back
    reset = (*more, "reset", "--hard", "--quiet", "--no-recurse-submodules")
    skip_large = {"GIT_LFS_SKIP_SMUDGE": "1"}
    run(str(path), *reset, environment={**place, **skip_large}, meanwhile=meanwhile)


def finish(path: Path, sha: str, *, with_hook: bool = True) -> list[str]:
    """Runs the person's post-checkout hook in a filled worktree, then notes its baseline. Returns
    notes for the user. Raises WorktreeRefused.
    """
    notes = _run_hook(path, sha) if with_hook else []
    status = ask(str(path), *evidence.STATUS)
    changes = evidence.parse_status(status).changes
    changed = baseline.note(marks.pointed_at(str(path)), str(path), changes)
    if changed:
        files = f"{len(changed)} file{'s' if len(changed) != 1 else ''}"
        notes.append(
            f"git calls {files} of the new worktree changed, {changed[0]!r} for one: line ends, a "
            "filter or a hook. They count as the worker's once it changes them."
        )
    return notes


def _run_hook(path: Path, sha: str) -> list[str]:
    """Runs it with the arguments of `git worktree add`. Returns a note when it failed or did not
    end within HOOK_SECONDS; neither stops the start.
    """
    words = ("hook", "run", "--ignore-missing", HOOK, "--", "0" * len(sha), sha, "1")
    try:
        said = ask(str(path), *words, seconds=HOOK_SECONDS)
    except WorktreeRefused:
        return [
            f"The repository's {HOOK} hook did not end within {HOOK_SECONDS} s in the new "
            "worktree, and was ended."
        ]
    if not said.code:
        return []
    lines = [*said.text.splitlines(), *said.error.splitlines()]
    words_of_it = " ".join(" ".join(lines[-_SAID_LINES:]).split())[:300] or "nothing"
    return [
        f"The repository's {HOOK} hook failed in the new worktree (exit code {said.code}), which "
        f"is complete all the same. It said: {words_of_it}"
    ]


def _may_use_all_cores(checkout: Path) -> bool:
    """Returns False for small repositories, where git writes all files in one process and the
    setting need not be read.
    """
    with suppress(OSError):
        if (checkout / ".git" / "index").stat().st_size < FEW_BYTES:
            return False
    return not attempt(str(checkout), "config", "checkout.workers")
