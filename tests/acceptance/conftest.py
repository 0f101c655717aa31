"""Fixtures for tests with the real Claude Code: each test runs once per supported version."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.support.claude.claude_cli import CliMissingError, find_cli
from tests.support.claude.claude_lab import ClaudeLab
from tests.support.claude.messages_api import MessagesApi

#: The oldest supported and the newest known; CI also tries what was released since.
CLAUDE_VERSIONS = os.environ.get("WORKER_MANAGER_TEST_CLAUDE", "2.1.197 2.1.332").split()

#: Installing asks no model.
NO_API = "http://127.0.0.1:9"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What says nothing about Claude Code that differs between versions runs with the newest."""
    dropped = [one for one in items if _is_spared(one)]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [one for one in items if one not in dropped]


def _is_spared(item: pytest.Item) -> bool:
    version = getattr(item, "callspec", None) and item.callspec.params.get("claude_version")  # type: ignore[attr-defined]  # of parametrized ones
    return bool(
        item.get_closest_marker("newest_claude") and version and version != CLAUDE_VERSIONS[-1]
    )


@pytest.fixture(params=CLAUDE_VERSIONS)
def claude_version(request: pytest.FixtureRequest) -> str:
    """The version of Claude Code under test."""
    return str(request.param)


@pytest.fixture
def claude_program(claude_version: str) -> Path:
    """The program of this version; without it the test is skipped, and fails in CI."""
    try:
        return find_cli(claude_version)
    except CliMissingError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture
def api() -> Iterator[MessagesApi]:
    """The scripted API; the test fails when its script raised something."""
    with MessagesApi() as api:
        yield api
    assert not api.problems, api.problems


@pytest.fixture
def lab(
    claude_program: Path, api: MessagesApi, request: pytest.FixtureRequest
) -> Iterator[ClaudeLab]:
    """A throw-away home for this version; a failed test shows its screens and requests."""
    with ClaudeLab(claude_program, api.url) as lab:
        yield lab
        report = f"{lab.describe()}\n--- requests\n{api.describe()}"
        request.node.add_report_section("teardown", "lab", report)


@pytest.fixture(scope="session")
def installed() -> Iterator[Callable[[Path], ClaudeLab]]:
    """For each program a lab into which it has installed the plugin, as users do."""
    with ExitStack() as labs:

        @cache
        def installed_by(program: Path) -> ClaudeLab:
            lab = labs.enter_context(ClaudeLab(program, NO_API))
            lab.install_plugin(CHECKOUT)
            return lab

        yield installed_by


@pytest.fixture
def crew(lab: ClaudeLab, claude_program: Path, installed: Callable[[Path], ClaudeLab]) -> ClaudeLab:
    """A lab with the plugin installed; the virtual environment is the tests' own."""
    lab.env["WORKER_MANAGER_PYTHON"] = sys.executable
    lab.take_over(installed(claude_program))
    return lab
