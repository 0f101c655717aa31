"""What `--json` prints. Field names and meanings stay; fields may be added. The schema in
docs/reference is made from here.
"""

from __future__ import annotations

from typing import NamedTuple

from worker_manager.cli.listed import Listed as Listed
from worker_manager.crew.integration.merge import Merged as MergedBranch
from worker_manager.doctor.findings import Visit as Visit
from worker_manager.domain.message import Message
from worker_manager.views.catalogue import ListedAgent
from worker_manager.views.worker_facts import Facts


class Started(NamedTuple):
    """`start`. Commits that its base lacks of its upstream; files of the checkout with changes that
    it does not see; what its worktree has beyond its commit, or lacks.
    """

    worker: Facts
    behind_upstream: int
    uncommitted_in_checkout: int
    notes: list[str]


class Ended(NamedTuple):
    """A worker that was stopped or asked to, and the git ref that holds what no commit does."""

    worker: Facts
    saved: str


class Stopped(NamedTuple):
    """`stop`, in the order given."""

    workers: list[Ended]


class Workers(NamedTuple):
    """`restore` and `adopt`: those that go on, or are yours now."""

    workers: list[Facts]


class Nudged(NamedTuple):
    """`nudge`, and `answer` to a question. `fate`: seen (it stands in the worker's conversation),
    delivered (taken out of its mailbox, to be shown) or queued, for a reason. `rung`: ask, dialog,
    hook, socket or typed.
    """

    id: str
    message_id: str
    answered_question: bool
    fate: str
    rung: str
    reason: str


class Letter(NamedTuple):
    """A message of a worker. `sent` is an ISO time in UTC; `repeat`: it was, or may have been,
    shown before.
    """

    id: str
    type: str
    sender: str
    name: str
    sent: str
    reply_to: str
    repeat: bool
    body: str


class Mail(NamedTuple):
    """`mail`: oldest first; how many more wait."""

    letters: list[Letter]
    left: int


class Shown(NamedTuple):
    """`screen`, `diff`, and each portion of `logs`: a text of the worker's own, without control
    characters.
    """

    id: str
    status: str
    text: str


class Command(NamedTuple):
    """`attach`: what it would run."""

    id: str
    command: list[str]


class Merged(NamedTuple):
    """A worker whose branch is in, and the files that this changed, as git's diffstat."""

    id: str
    into: str
    sha: str
    strategy: str
    changed: str
    notes: list[str]


class AllMerged(NamedTuple):
    """`merge`, in the order in which they went in."""

    merged: list[Merged]


class Cleaned(NamedTuple):
    """What became of a worker: `kept_because` is empty when it is, or would be, cleaned."""

    id: str
    name: str
    kept_because: str
    freed_bytes: int
    saved: str


class AllCleaned(NamedTuple):
    """`clean`: all that were looked at."""

    workers: list[Cleaned]
    freed_bytes: int
    is_dry_run: bool


class Event(NamedTuple):
    """One line of `run`. `event` is started, status, letter, merged, refused (a merge) or ended;
    `text` says it for people. `at` is an ISO time in UTC.
    """

    event: str
    at: str
    id: str
    name: str
    status: str
    reason: str
    text: str
    letter: Letter | None


class Catalogue(NamedTuple):
    """`agents`: all that can be named here, by name."""

    agents: list[ListedAgent]


class Opinion(NamedTuple):
    """`consult`. Without a `text` there is none, for this `reason`."""

    name: str
    program: str
    text: str
    reason: str


class Demo(NamedTuple):
    """`demo`: whether everything worked, and its timeline."""

    worked: bool
    timeline: list[str]


class Script(NamedTuple):
    """`completion`."""

    shell: str
    script: str


def letter_of(message: Message) -> Letter:
    """The message, as it was written."""
    names = [name for name in Letter._fields if name != "repeat"]
    fields = {name: str(getattr(message, name)) for name in names}
    return Letter(**fields, repeat=message.repeat)


def merged_of(merged: MergedBranch) -> Merged:
    """What there is to tell of a merge."""
    merge = merged.merge
    notes = list(merged.notes)
    return Merged(merged.worker.id, merge.into, merge.sha, merge.strategy, merged.changed, notes)
