"""What the person has decided in Codex's own settings; only read."""

from __future__ import annotations

import os
import tomllib
from typing import Any

from worker_manager.agents.codex.rollouts import codex_home


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


def _settings() -> dict[str, Any]:
    try:
        with open(os.path.join(codex_home(), "config.toml"), "rb") as file:
            return tomllib.load(file)
    except (OSError, ValueError):
        return {}
