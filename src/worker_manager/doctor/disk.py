"""The state directory, and the space and memory that workers need."""

from __future__ import annotations

import os
import secrets
import shutil
import stat

import psutil

from worker_manager.crew.lifecycle import capacity
from worker_manager.doctor.findings import (
    Finding,
    Place,
    Verdict,
    failed,
    ok,
    unknown,
    warning,
)
from worker_manager.errors import StateUnavailable
from worker_manager.state.files import make_private, move, sync, write_new

#: Below this a worker's checkout and transcripts are likely to meet a full disk.
LITTLE_BYTES = 2_000_000_000
#: Below this mail itself may not be written.
TOO_LITTLE_BYTES = 50_000_000
_OF_OTHER_MACHINES = ("nfs", "cifs", "smb", "9p", "sshfs", "fuse.sshfs", "afpfs")


def state_directory(place: Place) -> list[Finding]:
    """Checks the state directory by writing, syncing, renaming and linking, as mail delivery
    does.
    """
    about = "state directory"
    try:
        make_private(place.root)
        _deliver_something(place.root)
    except (StateUnavailable, OSError) as error:
        says = str(error) if isinstance(error, StateUnavailable) else f"{place.root}: {error}"
        repair = "make it writable, or set WORKER_MANAGER_STATE_DIR to a local directory that is"
        return [failed(about, says.rstrip(".") + ".", repair)]
    return [*_privacy(place.root), *_file_system(place.root)] or [
        ok(about, f"{place.root} can be written, synced and renamed in.")
    ]


def _deliver_something(root: str) -> None:
    draft = os.path.join(root, f".doctor-{secrets.token_hex(4)}")
    names = [draft, f"{draft}.done", f"{draft}.link"]
    try:
        write_new(draft, b"a letter")
        move(draft, names[1])
        sync(root)
        os.symlink(names[1], names[2])
    finally:
        for name in names:
            if os.path.lexists(name):
                os.unlink(name)


def _privacy(root: str) -> list[Finding]:
    status = os.stat(root)
    if status.st_uid != os.getuid():
        says = f"{root} belongs to another user, who can read and forge mail."
        return [failed("state directory", says, "set WORKER_MANAGER_STATE_DIR to one of yours")]
    mode = stat.S_IMODE(status.st_mode)
    if not mode & 0o077:
        return []
    says = f"{root} has mode {mode:04o}: others can look in."

    def fix() -> str:
        os.chmod(root, 0o700)
        return f"{root} has mode 0700 now."

    return [Finding("state directory", Verdict.WARNING, says, f"chmod 700 {root}", fix)]


def _file_system(root: str) -> list[Finding]:
    """A rename on another machine's disk is neither atomic nor noticed by Claude Code."""
    mounts = [
        mount for mount in psutil.disk_partitions(all=True) if _is_below(root, mount.mountpoint)
    ]
    kind = max(mounts, key=lambda mount: len(mount.mountpoint)).fstype if mounts else ""
    if not kind.lower().startswith(_OF_OTHER_MACHINES):
        return []
    says = f"{root} lies on {kind}, a disk of another machine: no letter there wakes anybody."
    return [
        failed("state directory", says, "set WORKER_MANAGER_STATE_DIR to a directory on this one")
    ]


def _is_below(path: str, place: str) -> bool:
    return os.path.commonpath([path, place]) == place


def space(place: Place) -> list[Finding]:
    """Checks the free space for state and worktrees."""
    return [_space_in(name, path) for name, path in _places(place)]


def _places(place: Place) -> list[tuple[str, str]]:
    """Returns each disk once, with what it is used for."""
    wanted = [("disk (state)", _existing(place.root)), ("disk (worktrees)", place.directory)]
    both_one = os.stat(wanted[0][1]).st_dev == os.stat(wanted[1][1]).st_dev
    return [("disk", wanted[0][1])] if both_one else wanted


def _existing(path: str) -> str:
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


def _space_in(about: str, path: str) -> Finding:
    free = shutil.disk_usage(path).free
    says = f"{_size(free)} free in {path}."
    if free < TOO_LITTLE_BYTES:
        return failed(about, says, "free some space: mail can't be written soon")
    if free < LITTLE_BYTES:
        return warning(about, says, "worker-manager clean removes merged worktrees")
    return ok(about, says)


def memory(_: Place) -> list[Finding]:
    """Checks how many more workers fit into the free memory."""
    about = "memory"
    free = int(psutil.virtual_memory().available)
    if not free:
        return [unknown(about, "the system doesn't say what is free.")]
    fit = free // capacity.NEEDED_BYTES
    most = capacity.WORKERS_FOR_EACH_CORE * (os.cpu_count() or 1)
    says = f"{_size(free)} free: room for {min(fit, most)} more workers at once."
    if fit:
        return [ok(about, says)]
    return [warning(about, says, "end something, or let workers queue: one is started at a time")]


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count // 1_000_000} MB"
