"""Values that describe what the doctor found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """The result of a check. A check that did not answer is unknown, not failed."""

    OK = "ok"
    WARNING = "warning"  #: workers can work; something should be looked at
    FAILED = "failed"  #: workers can't work, or not safely
    UNKNOWN = "unknown"  #: it could not be tried; nothing may be concluded


class Place(NamedTuple):
    """What the checks look at: the state directory, the top of the caller's checkout, and the
    environment.
    """

    root: str
    directory: str
    environ: Mapping[str, str]


class Finding(NamedTuple):
    """The result of a check. `says` is a sentence; `repair` is the next step for the reader, a
    command where there is one. `fix` does the repair and returns what was done; only repairs that
    can lose nothing have it.
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
