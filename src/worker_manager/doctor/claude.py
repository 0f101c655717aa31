"""Claude Code: its version, whether it is logged in, and whether it has the plugin. Nothing here
asks the model anything.
"""

from __future__ import annotations

import json
import shlex
import shutil
from typing import Any

from worker_manager.crew.lifecycle.launch import plugin_root
from worker_manager.doctor import switches
from worker_manager.doctor.findings import Finding, Place, failed, ok, unknown, warning
from worker_manager.processes.probes import ask, is_older, version_in

NEEDED = "2.1.197"
PLUGIN = "worker-manager"
#: All tools of its server, as a permission rule.
TOOLS = "mcp__plugin_worker-manager_crew"
_INSTALL = "npm install -g @anthropic-ai/claude-code"


def version(_: Place) -> list[Finding]:
    """Checks the version of the `claude` on the PATH."""
    about = "Claude Code"
    if shutil.which("claude") is None:
        says = "`claude` is not on the PATH. Only the demo and scripted workers run without it."
        return [failed(about, says, _INSTALL)]
    answer = ask(["claude", "--version"])
    found = version_in(answer.text)
    if answer.trouble or not found:
        return [unknown(about, f"{answer.trouble or 'claude --version gives no version'}.")]
    if is_older(found, NEEDED):
        return [failed(about, f"{found} is too old: {NEEDED} is needed.", "claude update")]
    return [ok(about, f"{found}.")]


def login(place: Place) -> list[Finding]:
    """Checks the login by `claude auth status`, which sends nothing to the model."""
    about = "login"
    given = _answer(place, "auth", "status")
    if not isinstance(given, dict) or "loggedIn" not in given:
        return _not_said(about, "claude auth status")
    if not given["loggedIn"]:
        return [failed(about, "Claude Code is not logged in.", "claude auth login")]
    return [ok(about, f"logged in ({given.get('authMethod', 'method unknown')}).")]


def plugin(place: Place) -> list[Finding]:
    """Checks that the plugin is installed and enabled, exactly once."""
    about = "plugin"
    listed = _answer(place, "plugin", "list", "--json")
    if not isinstance(listed, list):
        return _not_said(about, "claude plugin list --json")
    ours = [
        plugin_entry
        for plugin_entry in listed
        if str(plugin_entry.get("id", "")).partition("@")[0] == PLUGIN
    ]
    enabled = sorted(
        {str(plugin_entry["id"]) for plugin_entry in ours if plugin_entry.get("enabled")}
    )
    if len(enabled) > 1:
        says = f"{len(enabled)} copies are enabled ({', '.join(enabled)}): each hook runs twice."
        return [failed(about, says, f"claude plugin disable {enabled[-1]}")]
    if enabled:
        return [ok(about, f"{enabled[0]} is installed and enabled{_asked(place)}.")]
    if ours:
        says = f"{ours[0]['id']} is installed, but disabled."
        return [warning(about, says, f"claude plugin enable {ours[0]['id']}")]
    return [
        warning(
            about,
            "not installed; a session has it only when it is started with --plugin-dir.",
            f"claude plugin marketplace add {shlex.quote(plugin_root())} && "
            f"claude plugin install {PLUGIN}@{PLUGIN}",
        )
    ]


def _asked(place: Place) -> str:
    """What spares a person the questions about our tools. Behind a gateway without its classifier
    auto mode asks twice, the second time with No as the answer.
    """
    if switches.allows(place, TOOLS):
        return ""
    return f'; with "{TOOLS}" among permissions.allow of your settings no tool of it asks'


def _answer(place: Place, *words: str) -> Any:
    """The JSON that claude prints; None when it prints none. Its exit code may be part of it."""
    if shutil.which("claude") is None:
        return None
    answer = ask(["claude", *words], cwd=place.directory)
    try:
        return json.loads(answer.text)
    except ValueError:
        return None


def _not_said(about: str, command: str) -> list[Finding]:
    if shutil.which("claude") is None:
        return [unknown(about, "there is no `claude` to ask.")]
    return [unknown(about, f"`{command}` did not say.", f"run it: {command}")]
