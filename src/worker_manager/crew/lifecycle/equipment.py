"""What a worker has of its named agent, frozen in its home when it is started."""

from __future__ import annotations

import json
import os

from worker_manager.agents.base import Equipment
from worker_manager.errors import StateCorrupt
from worker_manager.state.files import disk_errors, read_regular

#: In a worker's home; workers of a program's own name mostly have none.
FILE = "equipment.json"


def as_files(equipment: Equipment) -> dict[str, str]:
    """What a home is to hold of it."""
    return {} if equipment == Equipment() else {FILE: json.dumps(equipment._asdict(), indent=1)}


def in_home(home: str) -> Equipment:
    """That of a worker. Raises StateUnavailable: without it one that only reads could write."""
    path = os.path.join(home, FILE)
    with disk_errors(path):
        try:
            said = json.loads(read_regular(path))
            return Equipment(
                str(said["role"]),
                bool(said["read_only"]),
                tuple(said["tools"]),
                tuple(said["skills"]),
                tuple(said["directories"]),
            )
        except FileNotFoundError:
            return Equipment()
        except (ValueError, TypeError, KeyError) as error:
            raise StateCorrupt(
                f"{path} can't be read. Repair it, or start another worker."
            ) from error
