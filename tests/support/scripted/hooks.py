"""Hooks as Claude Code runs them."""

import json
from pathlib import Path

from tests.conftest import CHECKOUT


def hook_command(event: str, plugin: Path = CHECKOUT) -> list[str]:
    """The shell command that hooks.json names for an event."""
    declared = json.loads((plugin / "hooks" / "hooks.json").read_text("utf-8"))["hooks"]
    ((hook,),) = [group["hooks"] for group in declared[event]]
    return ["sh", "-c", str(hook["command"]).replace("${CLAUDE_PLUGIN_ROOT}", str(plugin))]
