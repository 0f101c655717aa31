"""Calls that take longer than the two minutes for which Claude Code listens by itself."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from tests.acceptance.conftest import CLAUDE_VERSIONS
from tests.conftest import CHECKOUT
from tests.stress.tally import Tally
from tests.support.claude.claude_cli import CliMissingError, find_cli
from tests.support.claude.claude_lab import ClaudeLab
from tests.support.claude.messages_api import MessagesApi
from tests.support.scripted.long_calls import live


def long_calls(_folder: Path, _socket: str, *, seconds: float) -> Tally:
    """Each wait takes so long, in every Claude Code that is installed. What does not come as it
    should is unaccounted for.
    """
    tally = Tally()
    versions = [version for version in CLAUDE_VERSIONS if _is_there(version)]
    with ThreadPoolExecutor() as pool:
        for failed in pool.map(lambda version: _failed(version, seconds), versions):
            tally.unaccounted += failed
    return tally


def _failed(version: str, seconds: float) -> bool:
    with MessagesApi() as api, ClaudeLab(find_cli(version), api.url) as lab:
        lab.env["WORKER_MANAGER_PYTHON"] = sys.executable
        lab.install_plugin(CHECKOUT)
        try:
            took = live(lab, api, seconds)
        except AssertionError as error:
            sys.stdout.write(f"  {version}: {error}\n{lab.describe()}\n")
            return True
    told = ", ".join(f"{name} {each:.1f} s" for name, each in took.items())
    sys.stdout.write(f"  {version}: {told}\n")
    return False


def _is_there(version: str) -> bool:
    with suppress(CliMissingError):
        find_cli(version)
        return True
    return False
