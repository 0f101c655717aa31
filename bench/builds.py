"""A checkout with its environment, driven from outside alone: an earlier version's modules are
laid out otherwise.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

_ENVIRONMENTS = (".venv", ".venv-dev")


class Build(NamedTuple):
    """A version of the plugin: where it lies, and the interpreter that has its packages."""

    root: Path
    python: str

    @property
    def name(self) -> str:
        """What the table calls it: its commit."""
        git = ["git", "-C", str(self.root), "rev-parse", "--short", "HEAD"]
        done = subprocess.run(git, capture_output=True, text=True, check=False)
        return done.stdout.strip() or self.root.name

    @property
    def launcher(self) -> str:
        """The one entry point: server, hooks and command line."""
        return str(self.root / "bin" / "worker-manager")

    def hook(self, event: str) -> str:
        """The shell command that hooks.json has for an event."""
        declared = json.loads((self.root / "hooks" / "hooks.json").read_text("utf-8"))["hooks"]
        command = declared[event][0]["hooks"][0]["command"]
        return str(command).replace("${CLAUDE_PLUGIN_ROOT}", str(self.root))


def own() -> Build:
    """The checkout that this bench lies in."""
    return Build(Path(__file__).resolve().parents[1], sys.executable)


def at(root: str) -> Build:
    """Another checkout. Raises SystemExit when its environment is not built."""
    where = Path(root).resolve()
    for name in _ENVIRONMENTS:
        python = where / name / "bin" / "python"
        if any(python.parents[1].glob("ready-*")) and python.exists():
            return Build(where, str(python))
    raise SystemExit(
        f"{where} has no environment: call its bin/worker-manager --version, or its tests/run."
    )
