"""Where a worker may write: a file in its home, which the guard's hook reads before each write;
and what it wrote, or tried to, where it must not. Standard library only.
"""

import json
import os

from worker_manager.state.files import append

#: In a home; the launcher looks for it before Python starts.
FILE = "guard"
STRAYS = "strays"
REFUSE, TELL, OFF = "refuse", "tell", "off"


class Guard:
    """A worker's worktree and the checkouts it must leave alone, all of them absolute paths. One
    that only reads must leave its worktree alone, too, and all else but devices and what is
    temporary.
    """

    # A dataclass would cost each hook 16 ms of import.
    __slots__ = ("checkouts", "is_read_only", "mode", "worktree")

    def __init__(
        self, mode: str, worktree: str, checkouts: list[str], *, is_read_only: bool = False
    ) -> None:
        self.mode = mode
        self.worktree = worktree
        self.checkouts = checkouts
        self.is_read_only = is_read_only

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
                return self.is_read_only or found != worktree
            parent = os.path.dirname(real)
            if parent == real:
                return self.is_read_only and not _is_fleeting(path)
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
    return json.dumps({**content, "read_only": True} if guard.is_read_only else content)


def read(home: str) -> Guard | None:
    """None when nobody guards."""
    try:
        with open(os.path.join(home, FILE), encoding="utf-8") as file:
            content = json.load(file)
    except FileNotFoundError:
        return None
    is_read_only = bool(content.get("read_only"))  # an earlier version says nothing of it
    return Guard(
        content["mode"], content["worktree"], content["checkouts"], is_read_only=is_read_only
    )


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


def _is_fleeting(path: str) -> bool:
    """Whether it is a device, or lies where everybody's temporary files do."""
    real = os.path.realpath(path)
    places = ("/dev", "/tmp", os.environ.get("TMPDIR") or "/tmp")  # noqa: S108  compared, not used
    return any(real.startswith(os.path.join(os.path.realpath(one), "")) for one in places)


def _file(path: str) -> object:
    """What tells files apart; the path itself where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return path
    return status.st_dev, status.st_ino
