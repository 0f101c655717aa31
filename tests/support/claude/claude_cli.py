"""The Claude Code programs that tests may run, one for each version."""

from __future__ import annotations

import os
from pathlib import Path

CLI_DIRECTORY_VARIABLE = "WORKER_MANAGER_CLAUDE_CLI"
REPOSITORY = Path(__file__).resolve().parents[3]
#: Read at once: the tests' guards take our variables out of the environment.
CLI_DIRECTORY = Path(os.environ.get(CLI_DIRECTORY_VARIABLE) or REPOSITORY / ".claude-cli")


class CliMissingError(Exception):
    """This version of Claude Code is not installed for tests."""

    def __init__(self, version: str, directory: Path) -> None:
        """Say how to install it."""
        super().__init__(
            f"Claude Code {version} is not in {directory}. Install it with: npm install"
            f" --prefix .claude-cli/{version} @anthropic-ai/claude-code@{version}"
        )


def find_cli(version: str) -> Path:
    """The native program of one version, or CliMissingError."""
    packages = CLI_DIRECTORY / version / "node_modules" / "@anthropic-ai"
    for program in sorted(packages.glob("claude-code-*/claude")):
        return program.resolve()
    raise CliMissingError(version, CLI_DIRECTORY)
