"""What an examination finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """How a thing stands. What didn't answer is unknown: that is not broken."""

    OK = "ok"
    WARNING = "warning"  #: workers can work; something should be looked at
    FAILED = "failed"  #: workers can't work, or not safely
    UNKNOWN = "unknown"  #: it could not be tried; nothing may be concluded


class Place(NamedTuple):
    """Where one looks: the state directory, the top of the checkout that was called from, and
    the environment.
    """

    root: str
    directory: str
    environ: Mapping[str, str]


class Finding(NamedTuple):
    """One thing and how it stands. `says` is a sentence, `repair` the next step for whoever reads
    it, a command where there is one. `fix` does it and gives what was done; only what can lose
    nothing has one.
    """

    about: str
    verdict: Verdict
    says: str
    repair: str = ""
    fix: Callable[[], str] | None = None


class Diagnosis(NamedTuple):
    """How one thing stands: `ok`, `warning`, `failed` or `unknown`; the next step, and whether
    --fix does it.
    """

    about: str
    verdict: str
    says: str
    repair: str
    fixable: bool


class Visit(NamedTuple):
    """`doctor`. Whether nothing has failed; what was found, and what --fix has done."""

    sound: bool
    findings: list[Diagnosis]
    done: list[str]


def ok(about: str, says: str) -> Finding:
    """It works."""
    return Finding(about, Verdict.OK, says)


def warning(about: str, says: str, repair: str = "") -> Finding:
    """It should be looked at."""
    return Finding(about, Verdict.WARNING, says, repair)


def failed(about: str, says: str, repair: str) -> Finding:
    """It doesn't work."""
    return Finding(about, Verdict.FAILED, says, repair)


def unknown(about: str, says: str, repair: str = "") -> Finding:
    """It could not be tried."""
    return Finding(about, Verdict.UNKNOWN, says, repair)
