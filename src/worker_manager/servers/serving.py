"""How both servers are served: their tools always loaded, their logging quiet."""

import logging
import os
import sys

#: Keeps a tool in the model's hands from the first turn on, without a tool search.
ALWAYS_LOAD = {"anthropic/alwaysLoad": True}


def quiet_logging() -> None:
    """Warnings to stderr, before the SDK sets up its own logging."""
    level = os.environ.get("WORKER_MANAGER_LOG", "WARNING").upper()
    logging.basicConfig(
        stream=sys.stderr, level=level, format="%(levelname)s %(name)s: %(message)s"
    )
