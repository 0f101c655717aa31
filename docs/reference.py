"""Writes docs/reference/*.md from the code: python docs/reference.py [DIRECTORY]

A test regenerates the pages and compares, so that they can't lag behind.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "worker_manager"
WIDTH = 90
os.environ["COLUMNS"] = str(WIDTH)  # help texts are wrapped to the terminal

import click  # noqa: E402, TID253  the variable above first

from worker_manager import config  # noqa: E402
from worker_manager.cli.program import program  # noqa: E402
from worker_manager.domain import message, named_agent  # noqa: E402
from worker_manager.domain.worker import FINISHED, Status  # noqa: E402
from worker_manager.hooks import entry  # noqa: E402
from worker_manager.servers.handshake import RECORDS  # noqa: E402
from worker_manager.text import rendering  # noqa: E402

_COMMENTED = re.compile(r"((?:^ *#: .*\n)+)^ *(\w+)(?:: [^=\n]+)? = ", re.MULTILINE)
_TRAILING = re.compile(r"^ *(\w+)(?:: [^=\n]+)? = [^\n#]*#: (.*)$", re.MULTILINE)


def main(target: Path) -> None:
    """Writes all pages into a directory."""
    target.mkdir(parents=True, exist_ok=True)
    for name, (title, lines) in PAGES.items():
        head = [f"# {title}", "", "*Made from the code by `python docs/reference.py`.*", ""]
        text = "\n".join([*head, *lines()]).rstrip() + "\n"
        (target / f"{name}.md").write_text(text, "utf-8")


def tools() -> Iterator[str]:
    """Both servers' tools, as a client sees them."""
    yield "What the orchestrator's session has:"
    yield from _tools_of("orchestrator")
    yield ""
    yield "## A worker's own tools"
    yield from _tools_of("worker")


def _tools_of(role: str) -> Iterator[str]:
    recorded = json.loads((RECORDS / f"{role}.json").read_text("utf-8"))
    for tool in recorded["lists"]["tools/list"]["tools"]:
        yield from ("", f"### {tool['name']}", "", " ".join(tool["description"].split()), "")
        yield from _parameters(tool["inputSchema"])
        results = ", ".join(f"`{name}`" for name in tool["outputSchema"]["properties"])
        yield from ("", f"Gives: {results}.")


def _parameters(schema: dict[str, Any]) -> Iterator[str]:
    required = schema.get("required", [])
    if not schema.get("properties"):
        yield "It takes no parameters."
        return
    yield from _table_head("parameter", "type", "default", "")
    for name, one in schema["properties"].items():
        default = "*required*" if name in required else _code(one.get("default"))
        choices = ", ".join(f"`{word}`" for word in one.get("enum", []))
        yield _row(f"`{name}`", _type(one), default, one.get("description", "") or choices)


def _type(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return _type(next(one for one in schema["anyOf"] if one.get("type") != "null"))
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    return str(schema.get("type", "any"))


def commands() -> Iterator[str]:
    """What `--help` says of each command."""
    yield from ("`worker-manager` on a terminal; also `bin/worker-manager` in a checkout.", "")
    for name, text in _helps():
        yield from (f"## {name}", "", "```text", text.rstrip(), "```", "")


def _helps() -> Iterator[tuple[str, str]]:
    settings: dict[str, Any] = {**program.context_settings, "terminal_width": WIDTH}
    outer = click.Context(program, info_name="worker-manager", **settings)
    yield "worker-manager", program.get_help(outer)
    for name in program.list_commands(outer):
        command = program.get_command(outer, name)
        if command is not None and not command.hidden:
            inner = click.Context(command, info_name=name, parent=outer, terminal_width=WIDTH)
            yield f"worker-manager {name}", command.get_help(inner)


def settings() -> Iterator[str]:
    """Every key with its variable, default and meaning."""
    yield (
        "`worker-manager.toml` in the directory that Claude Code is started in (for a worker's "
        "worktree that of the checkout), then "
        "`~/.config/worker-manager/config.toml` (or below `$XDG_CONFIG_HOME`), then variables; the "
        "later ones win. An unknown key, or a wrong value, is an error that names the nearest."
    )
    yield ""
    meanings = _meanings("config.py")
    yield from _table_head("key", "variable", "default", "")
    for name, given in config.Settings._field_defaults.items():
        if name == "agents":
            continue
        table, _, rest = name.partition("_")
        key = f"{table}.{rest}" if table in config._TABLES else name
        variable = "" if name in config.OWN_ONLY else f"`WORKER_MANAGER_{name.upper()}`"
        default = list(given) if isinstance(given, tuple) else given
        yield _row(f"`{key}`", variable, _code(default), meanings[name])
    yield ""
    yield "In a variable a list has `:` between its entries."
    yield from ("", "## Named agents", "")
    yield (
        "Tables `[agents.NAME]` of the same files: [how to use them](../howto/agents.md). A name "
        "has 1 to 40 of `a-z`, `0-9` and `-`. Of two tables of one name the later file wins, key "
        "by key."
    )
    yield ""
    meanings = _meanings("domain/named_agent.py")
    yield from _table_head("key", "")
    for key in named_agent.NamedAgent._fields:
        yield _row(f"`{key}`", meanings[key])


def statuses() -> Iterator[str]:
    """Every status of a worker."""
    meanings = _meanings("domain/worker.py")
    yield from _table_head("status", "finished", "")
    for status in Status:
        yield _row(f"`{status}`", "yes" if status in FINISHED else "", meanings[status.name])


def letters() -> Iterator[str]:
    """Every type of message, with what it tells its reader to do."""
    meanings = _meanings("domain/message.py")
    yield from _table_head("type", "", "and the reader is told")
    for name, type_ in vars(message).items():
        if name in meanings:
            letter = message.Message(
                id="MESSAGE", type=type_, sender="ID", name="", sent="", body=""
            )
            said = rendering.for_models(rendering.next_step(letter))  # the very text that is shown
            yield _row(f"`{type_}`", meanings[name], said)


def files() -> Iterator[str]:
    """What lies in the state directory."""
    yield (
        "The state directory is `$WORKER_MANAGER_STATE_DIR`, else `worker-manager` in "
        "`$XDG_STATE_HOME`, else `~/.local/state/worker-manager`. It is yours alone (0700), and "
        "outlives a reboot. How its parts work together: [architecture](../architecture.md)."
    )
    for part in tomllib.loads((ROOT / "docs" / "files.toml").read_text("utf-8")).values():
        yield from ("", f"## {part.pop('about')}", "")
        yield from _table_head("file", "")
        for pattern, meaning in part.items():
            yield _row(f"`{pattern}`", meaning)


def hooks() -> Iterator[str]:
    """Every hook with its time limit and what it is for."""
    declared = json.loads((ROOT / "hooks" / "hooks.json").read_text("utf-8"))["hooks"]
    yield "A hook that fails leaves a line in `logs/hooks.log`, and hurts nothing."
    yield ""
    yield from _table_head("event", "matcher", "seconds", "")
    for event, groups in declared.items():
        module = SOURCE / "hooks" / f"{entry._MODULES[event]}.py"
        about = " ".join(_docstring(module).split("\n\n")[0].split())
        for group in groups:
            matcher = _code(group["matcher"]) if "matcher" in group else ""
            seconds = str(group["hooks"][0]["timeout"])
            yield _row(f"`{event}`", matcher, seconds, about.removeprefix(f"{event}: "))


PAGES = {
    "tools": ("Tools", tools),
    "commands": ("Commands", commands),
    "settings": ("Settings", settings),
    "statuses": ("Statuses of a worker", statuses),
    "letters": ("Types of messages", letters),
    "files": ("Files on disk", files),
    "hooks": ("Hooks", hooks),
}


def _meanings(module: str) -> dict[str, str]:
    """The `#:` comments of a module, by the name that they stand above, or behind."""
    text = (SOURCE / module).read_text("utf-8")
    found = dict(_TRAILING.findall(text))
    for comment, name in _COMMENTED.findall(text):
        found[name] = " ".join(line.strip().removeprefix("#: ") for line in comment.splitlines())
    return found


def _docstring(path: Path) -> str:
    return path.read_text("utf-8").split('"""')[1]


def _code(value: object) -> str:
    return f"`{value}`" if isinstance(value, str) and value else f"`{json.dumps(value)}`"


def _table_head(*names: str) -> Iterable[str]:
    return (_row(*names), _row(*("---" for _ in names)))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else ROOT / "docs" / "reference")
