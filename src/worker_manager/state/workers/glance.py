"""What a worker's hooks must know of its record at each turn, read by the lines that `records`
writes: json takes a third as long to load as Python itself. Of a record that is written in another
way nothing is known here, and the hook loads it.
"""

import os

from worker_manager.errors import StateCorrupt, ignoring
from worker_manager.state.files import read_regular
from worker_manager.state.workers import delivery_note


class Glance:
    """A worker's record, `worker.json` in its home, as it is now; empty when it can't be read."""

    def __init__(self, home: str) -> None:
        self._home = home
        self._text = b""
        with ignoring(OSError, StateCorrupt):
            self._text = read_regular(os.path.join(home, "worker.json"))

    def field(self, name: str) -> str:
        """Returns a text at the record's top; empty when it is none, or not plain."""
        return _value(self._text, f'\n "{name}": "')

    @property
    def has_no_mail_due(self) -> bool:
        """True if for certain no report has to be delivered, and no letter to follow its worker."""
        return b'\n "formers": []' in self._text and self._is_delivered

    @property
    def _is_delivered(self) -> bool:
        if b'\n "report": null' in self._text:
            return True
        report = self._text.partition(b'\n "report": {')[2].partition(b"\n }")[0]
        message_id = _value(report, '\n  "message_id": "')
        is_recorded = b'\n  "delivered": true' in report
        return is_recorded or (bool(message_id) and delivery_note.last(self._home) == message_id)


def _value(text: bytes, begin: str) -> str:
    """Returns what stands behind `begin` up to the next quotation mark; no escapes are resolved."""
    value, mark, _ = text.partition(begin.encode())[2].partition(b'"')
    return value.decode("ascii", "replace") if mark and b"\\" not in value else ""
