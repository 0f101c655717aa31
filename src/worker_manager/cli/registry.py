"""The commands by name. Loads nothing: a completion needs no more than their names."""

from __future__ import annotations


class Entry:
    """Where a command's module lies, below this package, and what it does in a few words."""

    # `typing` takes as long to load as all else that a completion needs.
    def __init__(self, module: str, summary: str) -> None:
        self.module = module
        self.summary = summary


#: To add a command: a module here with a `command`, and a line.
SECTIONS: dict[str, dict[str, Entry]] = {
    "Work": {
        "run": Entry("run", "Do a whole job: start, follow, answer, merge."),
        "start": Entry("start", "Start a worker and come back at once."),
        "answer": Entry("answer", "Answer a worker's question or permission."),
        "nudge": Entry("nudge", "Send a worker a message; wakes and reopens it."),
        "consult": Entry("consult", "Ask another agent for its opinion."),
        "stop": Entry("stop", "End a worker's session; its work stays."),
    },
    "Look": {
        "ls": Entry("ls", "List the workers of this repository."),
        "watch": Entry("watch", "See all workers live, and act with a key."),
        "attach": Entry("attach", "Go to a worker's terminal."),
        "screen": Entry("screen", "Show what a worker's terminal shows."),
        "logs": Entry("logs", "Show what a worker did."),
        "diff": Entry("diff", "Show what a worker changed."),
        "mail": Entry("mail", "Show the letters of your workers."),
    },
    "Bring home": {
        "merge": Entry("merge", "Merge finished workers' branches."),
        "clean": Entry("clean", "Remove what merged workers left; saved first."),
        "restore": Entry("restore", "Go on with a worker that has ended."),
        "adopt": Entry("adopt", "Take over workers whose session is gone."),
    },
    "Set up": {
        "agents": Entry("agents", "List the agents that can be named here."),
        "doctor": Entry("doctor", "Try whether all that is needed works here."),
        "demo": Entry("demo", "See the whole job done once, here, in seconds."),
        "completion": Entry("completion", "Print the completion script of a shell."),
    },
}
COMMANDS = {name: entry for section in SECTIONS.values() for name, entry in section.items()}
