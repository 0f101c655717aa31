"""Counts what became of messages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_SHOWN = re.compile(
    r"^\[\w+ (m[0-9a-f]{12})(, a repeat[^\]]*)?\] from worker (\S+) .*?\n-----\1\n(.*?)\n-----\1\n",
    re.DOTALL | re.MULTILINE,
)


@dataclass
class Tally:
    """What was sent (id to body), and how often each was shown. All but `marked` should be 0."""

    sent: dict[str, str] = field(default_factory=dict)
    shown: dict[str, int] = field(default_factory=dict)
    torn: int = 0
    unmarked: int = 0
    marked: int = 0
    disordered: int = 0
    unaccounted: int = 0

    @property
    def lost(self) -> int:
        """Sent and never shown."""
        return len(self.sent.keys() - self.shown.keys())

    @property
    def is_clean(self) -> bool:
        """Whether every promise was kept."""
        broken = (self.lost, self.torn, self.unmarked, self.disordered, self.unaccounted)
        return not any(broken)

    def see(self, message_id: str, body: str, *, repeat: bool) -> None:
        """One message was shown."""
        self.torn += body != self.sent.get(message_id)
        self.marked += repeat
        self.unmarked += message_id in self.shown and not repeat
        self.shown[message_id] = self.shown.get(message_id, 0) + 1

    def see_text(self, text: str) -> list[str]:
        """What a hook or read_mail told; gives the ids."""
        found = _SHOWN.findall(text)
        for message_id, mark, _, body in found:
            self.see(message_id, body, repeat=bool(mark))
        self.check_order(
            [(sender, message_id) for message_id, mark, sender, _ in found if not mark]
        )
        return [message_id for message_id, *_ in found]

    def check_order(self, portion: list[tuple[str, str]]) -> None:
        """Senders number their messages: one reader must see them rise."""
        last: dict[str, str] = {}
        for sender, message_id in portion:
            self.disordered += message_id < last.get(sender, "")
            last[sender] = message_id

    def __str__(self) -> str:
        return (
            f"{len(self.sent):6} sent  {self.lost} lost  {self.torn} torn  "
            f"{self.unmarked} unmarked repeats  {self.disordered} out of order  "
            f"{self.unaccounted} unaccounted  ({self.marked} marked repeats)"
        )
