"""Is a process that we noted still the same one? Pids are reused, start times tell."""

import os
import subprocess

UNKNOWN = "unknown"


def start_time(pid: int) -> str | None:
    """When the process started, as the kernel says it (one word); None when there is no such
    process; UNKNOWN when it can't be told.
    """
    if os.path.isdir("/proc/self"):
        fields = _proc_stat(pid)
        return fields[19] if fields else None
    return _ps(pid, "lstart")


def parent(pid: int) -> int | None:
    """The parent's pid, or None."""
    if os.path.isdir("/proc/self"):
        fields = _proc_stat(pid)
        return int(fields[1]) if fields else None
    answer = _ps(pid, "ppid")
    return int(answer) if answer and answer.isdigit() else None


def is_gone(pid: int, started: str) -> bool:
    """Whether the process of that pid and start time has certainly ended."""
    now = start_time(pid)
    return now is None or (UNKNOWN not in (now, started) and now != started)


def _proc_stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the command name, state first."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields


def _ps(pid: int, column: str) -> str | None:
    command = ["ps", "-o", f"{column}=", "-p", str(pid)]
    try:
        answer = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=2,
            env={"LC_ALL": "C", "PATH": "/bin:/usr/bin"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return UNKNOWN
    return "_".join(answer.stdout.split()).replace(":", ".") or None
