"""Copies of the checkout."""

from __future__ import annotations

import shutil
from pathlib import Path


def copy(source: Path, to: Path) -> None:
    """Copies a file, or a folder without byte code: others write that at this very moment."""
    if source.is_dir():
        shutil.copytree(source, to, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, to)
