"""Runs other programs with a time limit for each, so that one that hangs does not hang whoever
asks.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

#: A busy machine is slow; Claude Code takes 3 s at its first start of the day.
SECONDS = 15.0
_VERSION = re.compile(r"\d+(?:\.\d+)+")


class Answer(NamedTuple):
    """A program's answer. `trouble` says why there is none; empty when there is one."""

    code: int
    text: str
    error: str
    trouble: str = ""


def ask(
    argv: Sequence[str],
    *,
    cwd: str | None = None,
    seconds: float = SECONDS,
) -> Answer:
    """Runs a program without a terminal. At the time limit it is ended, with all that it
    started.
    """
    try:
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        return Answer(-1, "", "", f"{argv[0]} can't be run: {error.strerror}")
    try:
        text, complaint = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        _end(process)
        return Answer(-1, "", "", f"{argv[0]} did not answer within {seconds:g} s")
    return Answer(process.returncode, text, complaint)


def version_in(text: str) -> str:
    """Returns the first version number in a text; empty when there is none."""
    found = _VERSION.search(text)
    return found[0] if found else ""


def is_older(version: str, needed: str) -> bool:
    """Returns True if the version is older than the needed one."""
    return _numbers(version) < _numbers(needed)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _end(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
