"""Our texts name the tools of a model; a person reads the commands that do the same."""

from __future__ import annotations

import re
import shlex

COMMAND_OF = {
    "start_worker": "start",
    "list_workers": "ls",
    "wait_for_workers": "run --follow",
    "read_worker": "logs",
    "nudge_worker": "nudge",
    "answer_worker": "answer",
    "stop_worker": "stop",
    "read_mail": "mail",
    "merge_worker": "merge",
    "clean_workers": "clean",
    "restore_worker": "restore",
    "adopt_workers": "adopt",
}
#: A call with its arguments, where there are some.
_CALL = re.compile(rf"\b({'|'.join(COMMAND_OF)})\b(?:\(([^()]*)\))?")
_ARGUMENT = re.compile(r'(\w+)=(\.\.\.|true|\[[^\]]*\]|"[^"]*"(?: or "[^"]*")*)')
_PHRASES = (
    (re.compile(r"\bCall (?=worker-manager )"), "See "),
    (re.compile(r"\bforce=true\b"), "--force"),
    (re.compile(r"\bforce needs ids\b"), "--force needs ids"),
    (re.compile(r"\bAsk your user; "), ""),
    (re.compile(r"\bask your user to answer it with\b"), "answer it with"),
    (re.compile(r"\buse_worktree=true\b"), "a worktree"),
    (re.compile(r"\buse_worktree=false\b"), "--no-worktree"),
    (re.compile(r"\bpermission_mode=(?=\w)"), "--permission-mode "),
    (re.compile(r"\bAnswer with worker-manager nudge\b"), "Answer with worker-manager answer"),
    (re.compile(r"\bworker-manager (merge|stop) it\b"), r"\1 it"),
    (re.compile(r"\bbase_branch\b"), "--base"),
    (re.compile(r"\ballowed_paths\b"), "--allowed-path"),
    (re.compile(r"\bmessage_id\b"), "--message-id"),
    (re.compile(r"\bbudget_tokens\b"), "--budget-tokens"),
)


def for_people(text: str) -> str:
    """A text of ours with commands in the place of tools. Never for a worker's own text."""
    text = _CALL.sub(_command, text)
    for phrase, said in _PHRASES:
        text = phrase.sub(said, text)
    return text


def _command(call: re.Match[str]) -> str:
    words = [f"worker-manager {COMMAND_OF[call[1]]}"]
    for name, value in _ARGUMENT.findall(call[2] or ""):
        words.append(_word(name, value))
    return " ".join(words)


def _word(name: str, value: str) -> str:
    if name in ("message", "task"):
        return '"..."' if value == "..." else shlex.quote(value.strip('"'))
    values = re.findall(r'"([^"]*)"', value)
    if name in ("id", "ids"):
        return " ".join(values)
    if name == "decision":
        return "|".join(values)
    option = f"--{name.replace('_', '-')}"
    return option if value == "true" else f"{option} {' '.join(values)}"
