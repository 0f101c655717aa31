"""A session as Claude Code would run it: the plugin's server, its hooks, the watched mailbox.

What it does was seen in the real program; `unlink` events, dialogs and a transcript worth the
name are left out.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
import uuid
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from subprocess import PIPE, CompletedProcess
from types import TracebackType
from typing import Any, NamedTuple, Self, TextIO

import anyio
from anyio.abc import TaskGroup

from worker_manager.agents.claude.launch import SESSION_VARIABLES
from worker_manager.errors import WorkerManagerError
from worker_manager.rehearsal.client import (
    CallFailed,
    Client,
    ClientInfo,
    ServerCommand,
    connected,
)

SERVER_KEY = "crew"
SERVER_START_SECONDS = 60.0
POLL_SECONDS = 0.1
#: Claude Code's own limits where hooks.json names none.
_TIMEOUTS = {"UserPromptSubmit": 30.0}
_DEFAULT_TIMEOUT = 600.0
#: Exit code of a hook that means something; for FileChanged it wakes the session.
_SPEAKS = 2


class RehearsalFailed(WorkerManagerError):
    """The plugin did not do what a session needs of it."""


class ToolResult(NamedTuple):
    """What the model reads after a tool call; `mail` is what hooks added to it."""

    text: str
    structured: dict[str, Any]
    is_error: bool
    mail: str


class RehearsedSession:
    """One session of the plugin in `plugin_root`. Enter it, `start` it, `end` it."""

    def __init__(
        self, *, plugin_root: Path, cwd: Path, session_id: str, environ: Mapping[str, str]
    ) -> None:
        self.plugin_root = plugin_root
        self.cwd = cwd
        self.session_id = session_id
        #: How its client introduces itself; of Claude Code our servers know how long it listens.
        self.client_info: ClientInfo | None = None
        self.tools: list[str] = []
        self.failures: list[str] = []
        self._environ = {**_without_session(environ), **self._own_variables()}
        self._watched: list[str] = []
        self._reported: set[tuple[str, int]] = set()
        self._wakes: list[str] = []
        self._prompt_id = ""
        self._client: Client | None = None
        self._server_failure = ""
        self._folder = tempfile.TemporaryDirectory(
            prefix="worker-manager-session-", ignore_cleanup_errors=True
        )
        self._stack = AsyncExitStack()
        self._tasks: TaskGroup

    async def __aenter__(self) -> Self:
        self._tasks = await self._stack.enter_async_context(anyio.create_task_group())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        self._tasks.cancel_scope.cancel()
        try:
            return await self._stack.__aexit__(kind, error, trace)
        except BaseExceptionGroup as group:
            if list(group.exceptions) == [error]:
                return None  # the caller's own error needs no group around it
            raise
        finally:
            self.remove_files()

    @property
    def tool_environment(self) -> dict[str, str]:
        """What a hook or a command of the session gets."""
        own = {"CLAUDE_CODE_CHILD_SESSION": "1", "CLAUDE_PID": str(os.getpid())}
        return {**self._environ, **own}

    @property
    def server_log(self) -> str:
        """What the server wrote to stderr."""
        path = self._path("server.log")
        return path.read_text("utf-8", "replace") if path.exists() else ""

    async def start(self, source: str = "startup") -> str:
        """Starts the server and, at the same moment, runs SessionStart: a worker's hook waits
        for its server. Gives what the model reads of it.
        """
        self._path("transcript.jsonl").touch()
        ready = anyio.Event()
        self._tasks.start_soon(self._serve, ready)
        text = await self.hook("SessionStart", source=source, model="rehearsal")
        with anyio.move_on_after(SERVER_START_SECONDS):
            await ready.wait()
        if self._client is None:
            why = self._server_failure or f"it did not answer in {SERVER_START_SECONDS:.0f} s"
            raise RehearsalFailed(f"The MCP server did not start: {why}. {self.server_log}".strip())
        self._tasks.start_soon(self._watch)
        return text

    async def prompt(self, text: str) -> str:
        """A new turn, begun by a person or by a wake-up."""
        self._prompt_id = str(uuid.uuid4())
        return await self.hook("UserPromptSubmit", prompt=text)

    async def hook(self, event: str, /, **fields: object) -> str:
        """Runs the plugin's hooks of an event; gives the text the model would read."""
        given: dict[str, object] = {
            "session_id": self.session_id,
            "transcript_path": str(self._path("transcript.jsonl")),
            "cwd": str(self.cwd),
            "prompt_id": self._prompt_id,
            "permission_mode": "default",
            "hook_event_name": event,
            **fields,
        }
        texts = []
        for entry in self._entries(event, str(fields.get("tool_name", ""))):
            done = await self._run(event, entry, json.dumps(given))
            if done is not None:
                texts.append(self._understand(event, done))
        text = "\n\n".join(filter(None, texts))
        self._note(text)
        return text

    async def stop(self, last_message: str = "", *, active: bool = False) -> str:
        """The end of a turn; a text means that the session goes on with it."""
        return await self.hook(
            "Stop",
            stop_hook_active=active,
            last_assistant_message=last_message,
            background_tasks=[],
            session_crons=[],
        )

    async def call_tool(self, name: str, **arguments: object) -> ToolResult:
        """Calls a tool of the plugin's server, then the PostToolUse hook."""
        if self._client is None:
            raise RehearsalFailed(f"{name} can't be called: the session has no server.")
        try:
            result = await self._client.call_tool(name, arguments)
        except CallFailed as error:
            raise RehearsalFailed(f"{name} failed: {error}. {self.server_log}".strip()) from error
        text = _text_of(result)
        self._note(text)
        plugin = json.loads((self.plugin_root / ".claude-plugin/plugin.json").read_text("utf-8"))
        full_name = f"mcp__plugin_{plugin['name']}_{SERVER_KEY}__{name}"
        mail = await self.tool_used(full_name, arguments, text)
        structured = result.get("structuredContent")
        is_error = bool(result.get("isError"))
        return ToolResult(text, structured if isinstance(structured, dict) else {}, is_error, mail)

    async def may_use(self, name: str, given: Mapping[str, object]) -> str:
        """PreToolUse; why the tool must not be used, or an empty text."""
        return await self.hook("PreToolUse", tool_name=name, tool_input=dict(given))

    async def tool_used(self, name: str, given: Mapping[str, object], response: str) -> str:
        """PostToolUse; a wake-up that came while the tool ran joins its result."""
        self._write_down("assistant", [{"type": "tool_use", "name": name, "input": dict(given)}])
        text = await self.hook(
            "PostToolUse",
            tool_name=name,
            tool_input=dict(given),
            tool_use_id=f"toolu_{uuid.uuid4().hex[:24]}",
            tool_response=[{"type": "text", "text": response}],
            duration_ms=0,
        )
        joined, self._wakes = [*self._wakes, text], []
        return "\n\n".join(filter(None, joined))

    async def wait_for_mail(self, seconds: float | None) -> str | None:
        """Stays idle until the doorbell rings; gives the text that woke it, None when it
        didn't ring in time. The turn that it begins has a prompt of its own, as in Claude Code.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        while not self._wakes:
            if deadline is not None and time.monotonic() >= deadline:
                return None
            await anyio.sleep(POLL_SECONDS / 2)
        texts, self._wakes = self._wakes, []
        frame = "<task-notification>\n<summary>Stop hook feedback</summary>\n</task-notification>"
        texts.append(await self.prompt(frame))
        return "\n\n".join(filter(None, texts))

    async def end(self, reason: str) -> None:
        """SessionEnd, and the end of the server."""
        await self.hook("SessionEnd", reason=reason)
        self._tasks.cancel_scope.cancel()

    def remove_files(self) -> None:
        """Removes the session's transcript and log; leaving the session does it too."""
        self._folder.cleanup()

    def _own_variables(self) -> dict[str, str]:
        return {
            "CLAUDECODE": "1",
            "CLAUDE_CODE_ENTRYPOINT": "cli",
            "CLAUDE_CODE_SESSION_ID": self.session_id,
            "CLAUDE_PROJECT_DIR": str(self.cwd),
            "CLAUDE_PLUGIN_ROOT": str(self.plugin_root),
        }

    def _path(self, name: str) -> Path:
        return Path(self._folder.name) / name

    async def _serve(self, ready: anyio.Event) -> None:
        """A task of its own: what opens the connection must also close it."""
        try:
            with self._path("server.log").open("w", encoding="utf-8") as log:
                await self._connect(log, ready)
        except (CallFailed, OSError, ValueError, KeyError) as error:
            self._server_failure = f"{type(error).__name__}: {error}"
        finally:
            self._client = None
            ready.set()

    async def _connect(self, log: TextIO, ready: anyio.Event) -> None:
        async with connected(self._server_command(), log, self.client_info) as client:
            self.tools = await client.list_tools()
            self._client = client
            ready.set()
            await anyio.sleep_forever()

    def _server_command(self) -> ServerCommand:
        content = json.loads((self.plugin_root / ".mcp.json").read_text("utf-8"))
        server = content["mcpServers"][SERVER_KEY]
        own = {name: self._substitute(text) for name, text in server.get("env", {}).items()}
        argv = [self._substitute(part) for part in (server["command"], *server.get("args", []))]
        return ServerCommand(argv, {**self._environ, **own}, self.cwd)

    def _substitute(self, text: str) -> str:
        return text.replace("${CLAUDE_PLUGIN_ROOT}", str(self.plugin_root))

    def _entries(self, event: str, tool_name: str) -> list[dict[str, Any]]:
        content = json.loads((self.plugin_root / "hooks/hooks.json").read_text("utf-8"))
        return [
            entry
            for group in content["hooks"].get(event, [])
            for entry in group["hooks"]
            if _matches(group.get("matcher", ""), tool_name)
        ]

    async def _run(
        self, event: str, entry: Mapping[str, Any], given: str
    ) -> CompletedProcess[bytes] | None:
        """A hook's outcome; None when it took too long: then its output is lost."""
        limit = float(entry.get("timeout") or _TIMEOUTS.get(event, _DEFAULT_TIMEOUT))
        # A file, not a pipe: a hook may leave its stdin unread, as ours do without mail.
        with anyio.move_on_after(limit), tempfile.TemporaryFile() as stdin:
            stdin.write(given.encode())
            stdin.seek(0)
            return await anyio.run_process(
                ["sh", "-c", str(entry["command"])],
                stdin=stdin,
                stdout=PIPE,
                stderr=PIPE,
                check=False,
                cwd=self.cwd,
                env=self.tool_environment,
                start_new_session=True,
            )
        self.failures.append(f"{event} hook timed out after {limit:.0f} s")
        return None

    def _understand(self, event: str, done: CompletedProcess[bytes]) -> str:
        """What the model reads of a hook's outcome."""
        stdout, stderr = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        if done.returncode == _SPEAKS:
            return stderr or stdout
        if done.returncode:
            self.failures.append(f"{event} hook: exit code {done.returncode}: {stderr.strip()}")
            return ""
        if event == "FileChanged":
            return ""
        answer = _json_object(stdout)
        if answer is None:
            return stdout if event in ("SessionStart", "UserPromptSubmit") else ""
        specific = answer.get("hookSpecificOutput", {})
        self._watched = specific.get("watchPaths", self._watched)
        if event == "Stop":
            return str(answer.get("reason", "")) if answer.get("decision") == "block" else ""
        if specific.get("permissionDecision") == "deny":
            return str(specific.get("permissionDecisionReason", ""))
        return str(specific.get("additionalContext", ""))

    async def _watch(self) -> None:
        """The doorbell: a new file in a watched directory runs FileChanged, also mid-turn."""
        while True:
            for path, touched in self._new_files():
                self._reported.add((path, touched))
                text = await self.hook("FileChanged", file_path=path, event="add")
                if text:
                    self._wakes.append(text)
            await anyio.sleep(POLL_SECONDS)

    def _new_files(self) -> list[tuple[str, int]]:
        """Files that were not reported yet, or were touched since, with the time of that."""
        present = set()
        for folder in self._watched:
            for name in os.listdir(folder) if os.path.isdir(folder) else []:
                with suppress(FileNotFoundError):
                    path = os.path.join(folder, name)
                    present.add((path, os.stat(path).st_mtime_ns))
        return sorted(present - self._reported)

    def _note(self, text: str) -> None:
        """A transcript of what the model read: hooks look for receipts there."""
        if text:
            self._write_down("user", text)

    def _write_down(self, kind: str, content: object) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"type": kind, "timestamp": at, "message": {"role": kind, "content": content}}
        with self._path("transcript.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _without_session(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without another session's variables: a rehearsal may run inside one."""
    return {name: text for name, text in environ.items() if name not in SESSION_VARIABLES}


def _matches(matcher: str, tool_name: str) -> bool:
    return matcher in ("", "*") or re.fullmatch(matcher, tool_name) is not None


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _text_of(result: Mapping[str, Any]) -> str:
    return "\n".join(part["text"] for part in result["content"] if part["type"] == "text")
