"""Asks programs something, with a time limit for each: what hangs must not hang the doctor."""

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
    """What a program said. `trouble` says why there is no answer; empty when there is one."""

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
    """Runs it without a terminal to ask at. What takes too long is ended with all it started."""
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
    """The first thing in a text that looks like a version; empty when there is none."""
    found = _VERSION.search(text)
    return found[0] if found else ""


def is_older(version: str, needed: str) -> bool:
    """Whether a version comes before the one that is needed."""
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
