"""The live view in a browser."""

from __future__ import annotations

from worker_manager.errors import InvalidInput
from worker_manager.repository import Repository


def serve(repository: Repository, port: int | None) -> int:
    """Serves it."""
    raise InvalidInput(f"not yet {repository} {port}")
