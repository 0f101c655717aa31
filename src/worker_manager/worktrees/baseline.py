"""Files of a new worktree that git calls changed at once: because of line ends, a filter or a hook.

They are noted in git's own directory of the worktree, and removed with it. A file that is still as
noted is not its worker's change. A file that is not noted, or can't be compared, counts as the
worker's.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from worker_manager.errors import WorktreeRefused
from worker_manager.worktrees.evidence import Change

#: In git's directory of the worktree.
FILE = "worker-manager-baseline"
#: More than this is not noted: a hook may put a whole installation there.
MAX_FILES, MAX_BYTES = 5_000, 50_000_000


class BaselineEntry(NamedTuple):
    """The state of one file: git's two status letters; a stamp that changes with each write, so
    that most files need not be read again; a digest of its content and its executable bit.
    """

    letters: str
    stamp: str
    content: str


def note(admin: str, path: str, changes: Sequence[Change]) -> list[str]:
    """Notes the changed files of a new worktree, at most MAX_FILES with MAX_BYTES. Returns the
    names that were noted. Raises WorktreeRefused when the note can't be written.
    """
    found, left = dict[str, BaselineEntry](), MAX_BYTES
    for change in changes[:MAX_FILES]:
        file = os.path.join(path, change.name)
        left -= _size(file)
        if left >= 0 and (content := _content(file)):
            found[change.name] = BaselineEntry(change.letters, _stamp(file), content)
    try:
        Path(admin, FILE).write_text(json.dumps(found), "ascii")
    except OSError as error:
        raise WorktreeRefused(f"{admin} can't be written to: {error.strerror}.") from error
    return list(found)


def read(admin: str) -> dict[str, BaselineEntry]:
    """Returns the noted entries by file name; empty when there are none or they can't be read."""
    try:
        noted = json.loads(Path(admin, FILE).read_text("ascii"))
        return {str(name): BaselineEntry(*map(str, seen)) for name, seen in noted.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def of_worker(admin: str, path: str, changes: Iterable[Change]) -> list[Change]:
    """Returns the changes that the worker made: those that differ from the noted ones."""
    noted = read(admin)
    return [change for change in changes if not is_as_noted(noted, path, change)]


def is_as_noted(noted: Mapping[str, BaselineEntry], path: str, change: Change) -> bool:
    """Returns True if the change was noted when the worktree was made, and the file has not changed
    since.
    """
    before = noted.get(change.name)
    if before is None or before.letters != change.letters:
        return False
    file = os.path.join(path, change.name)
    return _stamp(file) == before.stamp or _content(file) == before.content


def _stamp(file: str) -> str:
    """Uses the time of the inode's last change (ctime), which programs can't set."""
    try:
        status = os.lstat(file)
    except FileNotFoundError:
        return "gone"
    except OSError:
        return "unknown"
    return f"{status.st_ctime_ns} {status.st_ino} {status.st_size}"


def _size(file: str) -> int:
    try:
        return os.lstat(file).st_size
    except OSError:
        return 0


def _content(file: str) -> str:
    """Returns a digest; empty for what can't be compared: a directory, a pipe, an unreadable
    file.
    """
    try:
        mode = os.lstat(file).st_mode
        if stat.S_ISLNK(mode):
            return f"link {hashlib.sha256(os.fsencode(os.readlink(file))).hexdigest()}"
        if not stat.S_ISREG(mode):
            return ""
        with open(file, "rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        return f"{'program' if mode & stat.S_IXUSR else 'file'} {digest}"
    except FileNotFoundError:
        return "gone"
    except OSError:
        return ""
