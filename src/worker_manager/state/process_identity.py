"""Is a process that we noted still the same one? Pids are reused, start times tell.

An identity is `<pid>-<start time>`, one word that may stand in a file name.
"""

import os
from _collections_abc import Iterator

UNKNOWN = "unknown"
_HAS_PROC = os.path.isdir("/proc/self")


def start_time(pid: int) -> str | None:
    """When the process started, as the kernel says it (one word); None when there is no such
    process; UNKNOWN when it can't be told.
    """
    if _HAS_PROC:
        fields = _proc_stat(pid)
        return fields[19] if fields else None
    return _ps_start_time(pid)


def identity(pid: int) -> str:
    """The process's identity; empty when there is no such process."""
    started = start_time(pid)
    return f"{pid}-{started}" if started else ""


def identity_of_ours(pid: int) -> str:
    """The identity of a process that we started, also when it has ended by now."""
    return identity(pid) or f"{pid}-ended"


def is_identity(text: str) -> bool:
    """Whether a text that was read somewhere is an identity, of whatever process."""
    pid, _, started = text.partition("-")
    return pid.isdigit() and bool(started)


def has_ended(noted: str) -> bool:
    """Whether the process of an identity has certainly ended; never of a text that is none."""
    if not is_identity(noted):
        return False
    pid, _, started = noted.partition("-")
    now = start_time(int(pid))
    return now is None or (UNKNOWN not in (now, started) and now != started)


def surely_runs(noted: str) -> bool:
    """Whether the process of an identity certainly runs. False also where only a process of our
    own could tell: whoever asks this wants to save one.
    """
    pid, _, started = noted.partition("-")
    return _HAS_PROC and pid.isdigit() and start_time(int(pid)) == started


def parent(pid: int) -> int | None:
    """The parent's pid, or None."""
    if _HAS_PROC:
        fields = _proc_stat(pid)
        return int(fields[1]) if fields else None
    answer = _ps(pid, "ppid")
    return int(answer) if answer and answer.isdigit() else None


def ancestors() -> Iterator[int]:
    """The pids of this process's parent, that one's parent, and so on, as far as they can be seen;
    without the first process of all.
    """
    seen: int | None = os.getppid()
    while seen is not None and seen > 1:
        yield seen
        seen = parent(seen)


def command_line(pid: int) -> str:
    """What a process was called with, words apart by blanks; empty when that can't be seen."""
    if not _HAS_PROC:
        return _ps(pid, "args") or ""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return os.fsdecode(file.read().replace(b"\0", b" "))
    except OSError:
        return ""


def _proc_stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the command name, state first."""
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY)  # half of what open() takes
    except OSError:
        return None
    try:
        content = os.read(descriptor, 4096)
    except OSError:
        return None  # it ended in between
    finally:
        os.close(descriptor)
    fields = content.rpartition(b")")[2].decode("ascii").split()
    return None if fields[0] == "Z" else fields


def _ps_start_time(pid: int) -> str | None:
    answer = _ps(pid, "stat,lstart")
    if answer is None:
        return UNKNOWN
    state, _, started = answer.partition(" ")
    if not started or state.startswith("Z"):
        return None
    return "_".join(started.split()).replace(":", ".")


def _ps(pid: int, columns: str) -> str | None:
    """What ps says, empty when there is no such process; None when ps itself failed."""
    import subprocess  # 4 ms, where there is no /proc

    try:
        answer = subprocess.run(
            [
                "ps",
                "-ww",
                "-o",
                ",".join(f"{column}=" for column in columns.split(",")),
                "-p",
                str(pid),
            ],
            capture_output=True,
            text=True,
            timeout=2,
            env={"LC_ALL": "C", "PATH": "/bin:/usr/bin"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if answer.stderr.strip() else answer.stdout.strip()
