"""The Codex programs that tests may run, one for each version."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
#: Read at once: the tests' guards take our variables out of the environment.
CLI_DIRECTORY = Path(os.environ.get("WORKER_MANAGER_AGENT_CLI") or REPOSITORY / ".agent-cli")
#: The newest known; CI also tries what was released since.
VERSION = os.environ.get("WORKER_MANAGER_TEST_CODEX", "0.171.0")


def install_command(version: str = VERSION) -> str:
    """What a person types to have it."""
    prefix = f".agent-cli/codex/{version}"
    return f"npm install --prefix {prefix} --ignore-scripts @openai/codex@{version}"


def find_cli(version: str = VERSION) -> Path | None:
    """The native program of one version; None when it is not there."""
    packages = CLI_DIRECTORY / "codex" / version / "node_modules" / "@openai"
    found = sorted(packages.glob("codex-*/vendor/*/bin/codex"))
    return found[0].resolve() if found else None
