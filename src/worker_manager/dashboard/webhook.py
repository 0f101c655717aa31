"""Posts an event to an address; apart from the other bells, for it loads Python's web client."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping

from worker_manager.text import rendering
from worker_manager.text.output import json_line

TIMEOUT_SECONDS = 20.0


def post(address: str, content: Mapping[str, object]) -> str:
    """As JSON. Gives what went wrong, or nothing."""
    if not address.startswith(("http://", "https://")):
        return f"notify.webhook {address!r} is no http or https address."
    body = json_line(dict(content)).encode("ascii")
    request = urllib.request.Request(  # noqa: S310  checked above
        address, body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310
            return ""
    except (OSError, ValueError) as error:
        return f"notify.webhook {address!r} failed: {rendering.one_line(str(error))[:200]}."
