"""What was seen at the last look, so that the next one, in another process, need not look at what
has not changed. Nothing is lost with it: then all is looked at again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from worker_manager.errors import StateCorrupt, StateUnavailable
from worker_manager.state.files import read_regular, write_atomic


def read(home: str, name: str) -> dict[str, Any]:
    """What was seen of each thing; empty when nobody knows."""
    with suppress(OSError, StateCorrupt, ValueError):
        seen = json.loads(read_regular(os.path.join(home, name)))
        if isinstance(seen, dict):
            return seen
    return {}


def write(home: str, name: str, seen: Mapping[str, Any]) -> None:
    """Notes it in a directory; where the disk refuses, nothing is noted."""
    with suppress(StateUnavailable):
        content = json.dumps(seen, separators=(",", ":")).encode()
        write_atomic(os.path.join(home, name), content, durable=False)
