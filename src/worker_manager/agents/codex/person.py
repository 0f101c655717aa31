"""What the person has decided in Codex's own settings; only read."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from typing import Any

from worker_manager.agents.codex import program
from worker_manager.agents.codex.rollouts import codex_home
from worker_manager.errors import AgentNotInstalled
from worker_manager.processes import probes


def trusts(directory: str) -> bool | None:
    """Whether they trust a repository, by the path of its main checkout; None when they have not
    said, or their settings can't be read: then Codex asks.
    """
    entry = _settings().get("projects", {})
    level = entry.get(directory) if isinstance(entry, dict) else None
    found = level.get("trust_level") if isinstance(level, dict) else None
    return None if found is None else found == "trusted"


def has_own_provider() -> bool:
    """Whether a model is asked that needs no login to OpenAI, as far as the settings say."""
    return bool(_settings().get("model_provider"))


def is_logged_in(_environ: Mapping[str, str]) -> bool | None:
    """As `Agent.is_logged_in`; with a model provider of their own nobody knows."""
    try:
        answer = probes.ask([program.find().path, "login", "status"])
    except AgentNotInstalled:
        return None
    if answer.trouble or (answer.code and has_own_provider()):
        return None
    return answer.code == 0


def _settings() -> dict[str, Any]:
    try:
        with open(os.path.join(codex_home(), "config.toml"), "rb") as file:
            return tomllib.load(file)
    except (OSError, ValueError):
        return {}
