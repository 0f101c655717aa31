"""Where a worker may write: a file in its home, which the guard's hook reads before each write;
and what it wrote, or tried to, in a checkout that isn't its own. Standard library only.
"""

import json
import os

from worker_manager.state.files import append

#: In a home; the launcher looks for it before Python starts.
FILE = "guard"
STRAYS = "strays"
REFUSE, TELL, OFF = "refuse", "tell", "off"


class Guard:
    """A worker's worktree and the checkouts it must leave alone, all of them absolute paths."""

    # A dataclass would cost each hook 16 ms of import.
    __slots__ = ("checkouts", "mode", "worktree")

    def __init__(self, mode: str, worktree: str, checkouts: list[str]) -> None:
        self.mode = mode
        self.worktree = worktree
        self.checkouts = checkouts

    def forbids(self, path: str) -> bool:
        """Whether a path leads into one of the checkouts, but not into the worktree, which mostly
        lies below one. Files are compared, not names: these may have links and `..` in them, and
        on some systems another case.
        """
        worktree, checkouts = _file(self.worktree), set(map(_file, self.checkouts))
        real = os.path.realpath(path)
        while True:
            found = _file(real)
            if found == worktree or found in checkouts:
                return found != worktree
            parent = os.path.dirname(real)
            if parent == real:
                return False
            real = parent

    def holds(self, path: str) -> bool:
        """Whether a directory is the worktree, or lies in it."""
        worktree = os.path.realpath(self.worktree)
        return os.path.join(os.path.realpath(path), "").startswith(os.path.join(worktree, ""))

    def concerns(self, path: str) -> bool:
        """Whether git, asked in a directory, would look at the worktree or one of the checkouts."""
        real = os.path.realpath(path)
        while not os.path.lexists(os.path.join(real, ".git")) and os.path.dirname(real) != real:
            real = os.path.dirname(real)
        return _file(real) in map(_file, (self.worktree, *self.checkouts))

    def instead(self, path: str) -> str:
        """The path in the worktree that stands for one in a checkout."""
        real = os.path.realpath(path)
        for checkout in map(os.path.realpath, self.checkouts):
            if real == checkout or real.startswith(os.path.join(checkout, "")):
                inside = os.path.relpath(real, checkout)
                return os.path.normpath(os.path.join(self.worktree, inside))
        return self.worktree


def encoded(guard: Guard) -> str:
    """What FILE is to hold; once it is there, the worker's hook looks."""
    content = {"mode": guard.mode, "worktree": guard.worktree, "checkouts": guard.checkouts}
    return json.dumps(content)


def read(home: str) -> Guard | None:
    """None when nobody guards."""
    try:
        with open(os.path.join(home, FILE), encoding="utf-8") as file:
            content = json.load(file)
    except FileNotFoundError:
        return None
    return Guard(content["mode"], content["worktree"], content["checkouts"])


def note_stray(home: str, path: str) -> None:
    """It wrote there, or would have."""
    append(os.path.join(home, STRAYS), json.dumps(path) + "\n")


def strays(home: str) -> list[str]:
    """Where it wrote or tried to, each path once, oldest first."""
    try:
        with open(os.path.join(home, STRAYS), encoding="utf-8") as file:
            return list(dict.fromkeys(str(json.loads(line)) for line in file))
    except FileNotFoundError:
        return []


def _file(path: str) -> object:
    """What tells files apart; the path itself where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return path
    return status.st_dev, status.st_ino
