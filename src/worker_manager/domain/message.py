"""A message: what lies in a mailbox.

A file of header lines, a blank line, and the body as it was given, so that a person or a
model can read it, and a hook can without importing a parser. `length` (bytes of the body)
tells a whole file from a torn one.
"""

from worker_manager.errors import StateCorrupt

FORMAT = "1"

#: a worker has called `complete`; with what was found of its work
COMPLETION = "completion"
#: a worker has called `ask`, or asks at its terminal (AskUserQuestion)
QUESTION = "question"
#: a worker has ended its turn without a report, twice reminded, or was interrupted
STALLED = "stalled"
#: a worker's agent has ended without a report; with its exit code and last lines
FAILED = "failed"
#: a dialog that nobody may answer by mail stands at a worker's terminal
BLOCKED = "blocked"
#: a worker needs a permission; with the tool and its exact input
PERMISSION = "permission"
#: a usage limit, or an error of the API, has ended a worker's turn
LIMIT = "limit"
#: another session has taken over a worker of yours
ADOPTED = "adopted"
#: to a worker: what to do next
NUDGE = "nudge"
#: to a worker: the answer to its question
ANSWER = "answer"
#: to a worker: stop, or say why not
SHUTDOWN = "shutdown"
#: to a worker's dialog: allow, deny, or the answer; shown to nobody as mail
DECISION = "decision"
#: to a worker: what another agent thinks, which it has asked for; no order
OPINION = "opinion"
#: a dialog at a worker's terminal has ended without you
SETTLED = "settled"
#: two branches do not fit together; with the files and a proposed order
CONFLICT = "conflict"
#: a merge of a worker's branch was cut off; with what became of it
MERGE = "merge"
#: a worker, or your session, has used what it may
BUDGET = "budget"
#: `worker-manager doctor --deep` tries whether a letter wakes a session
TEST = "test"

#: Somebody stands still until its orchestrator does something.
NEEDS_ANSWER = (QUESTION, STALLED, FAILED, BLOCKED, PERMISSION, LIMIT, BUDGET)

_FIELDS = ("id", "type", "sender", "name", "sent", "reply-to")


class Message:
    """One message. `sender` is an id (worker or orchestrator), `name` what people call it,
    `sent` an ISO time in UTC, `reply_to` the id of the message that it answers, or empty.
    The mailbox sets `repeat`: it was, or may have been, shown before; and `is_over`: what it asks
    for is not waited for any more.
    """

    # A dataclass would cost each hook 16 ms of import.
    __slots__ = ("body", "id", "is_over", "name", "repeat", "reply_to", "sender", "sent", "type")

    def __init__(
        self,
        *,
        id: str,
        type: str,
        sender: str,
        name: str,
        sent: str,
        body: str,
        reply_to: str = "",
    ) -> None:
        self.id = id
        self.type = type
        self.sender = sender
        self.name = name
        self.sent = sent
        self.body = body
        self.reply_to = reply_to
        self.repeat = False
        self.is_over = False

    def encode(self) -> bytes:
        """The file's content."""
        body = self.body.encode("utf-8", "replace")
        values = (self.id, self.type, self.sender, self.name, self.sent, self.reply_to)
        lines = [f"worker-manager-message: {FORMAT}"]
        lines += [
            f"{field}: {_one_line(value)}" for field, value in zip(_FIELDS, values, strict=True)
        ]
        lines.append(f"length: {len(body)}")
        return "\n".join(lines).encode("utf-8", "replace") + b"\n\n" + body


def decode(content: bytes) -> Message:
    """The message in a file's content; raises StateCorrupt when it is torn or foreign."""
    head, separator, body = content.partition(b"\n\n")
    headers: dict[str, str] = {}
    for line in head.decode("utf-8", "replace").split("\n"):
        field, _, value = line.partition(": ")
        headers[field] = value
    if not separator or "worker-manager-message" not in headers:
        raise StateCorrupt("not a message")
    if headers.get("length") != str(len(body)):
        raise StateCorrupt(f"torn message: {len(body)} of {headers.get('length')} bytes")
    return Message(
        id=headers.get("id", ""),
        type=headers.get("type", ""),
        sender=headers.get("sender", ""),
        name=headers.get("name", ""),
        sent=headers.get("sent", ""),
        reply_to=headers.get("reply-to", ""),
        body=body.decode("utf-8", "replace"),
    )


def _one_line(value: str) -> str:
    return " ".join(value.split())
