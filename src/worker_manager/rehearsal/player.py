"""The scripted agent: runs in a worker's terminal in the place of claude and plays the steps
that stand in its task, for people who attach and look.

    python -I -m worker_manager.rehearsal.player --session-id UUID --plugin-dir DIR -- PROMPT
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from worker_manager.errors import WorkerManagerError
from worker_manager.rehearsal.session import RehearsedSession, ToolResult
from worker_manager.text import rendering

_STEPS = re.compile(r"^```steps[^\S\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_TASK_FILE = re.compile(r'Your task is in the file @"(.+?)"\.(?=\s|$)')
#: Claude Code ends a turn after so many blocks, whatever the hook says.
_BLOCKS = 8
_END_SECONDS = 5.0
#: No model answers a reminder sooner; what rings meanwhile joins its turn.
_THOUGHT_SECONDS = 0.5
_REMINDERS = frozenset(rendering.reminder(times) for times in range(1, _BLOCKS + 1))


class ScriptUnreadable(WorkerManagerError):
    """The steps in the task can't be played."""


class Player:
    """Plays steps in a session. What it reads as mail is kept until an idle step takes it."""

    def __init__(self, session: RehearsedSession) -> None:
        self._session = session
        self._answer = ""
        self._mail: list[str] = []
        self._said = ""
        self._plays: dict[str, Callable[[Any], Awaitable[None]]] = {
            "say": self._say,
            "write": self._write,
            "run": self._run,
            "commit": self._commit,
            "ask": self._ask,
            "complete": self._complete,
            "idle": self._wait,
            "sleep": self._sleep,
            "crash": self._crash,
            "hang": self._hang,
        }

    async def play(self, prompt: str) -> None:
        """Plays the prompt's steps, then stays idle like claude does, until it is cancelled."""
        self._keep(await self._session.start())
        self._keep(await self._session.prompt(prompt))
        for step in script_in(prompt):
            ((name, value),) = step.items()
            if name not in self._plays:
                raise ScriptUnreadable(f"There is no step {name!r}: {', '.join(self._plays)}.")
            await self._plays[name](self._filled(value))
        while True:
            self._mail.clear()
            await self._idle(None)

    def _filled(self, value: Any) -> Any:
        """A step's value with the last answer in its texts."""
        if isinstance(value, dict):
            return {key: self._filled(part) for key, part in value.items()}
        return value.replace("{answer}", self._answer) if isinstance(value, str) else value

    def _keep(self, mail: str | None) -> None:
        if mail:
            show("mail", mail)
            self._mail.append(mail)

    async def _say(self, text: str) -> None:
        self._said = text
        show("say", text)

    async def _write(self, file: dict[str, str]) -> None:
        show("write", file["path"])
        if await self._is_refused("Write", {"file_path": file["path"]}):
            return
        path = self._session.cwd / file["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file["text"], "utf-8")
        self._keep(await self._session.tool_used("Write", file, "written"))

    async def _run(self, command: str) -> None:
        show("run", command)
        if not await self._is_refused("Bash", {"command": command}):
            await self._shell(["sh", "-c", command], command)

    async def _is_refused(self, tool: str, given: dict[str, str]) -> bool:
        reason = await self._session.may_use(tool, given)
        if reason:
            show("refused", reason)
        return bool(reason)

    async def _commit(self, message: str) -> None:
        show("commit", message)
        await self._shell(["git", "add", "-A"], "git add -A")
        # A name of its own: the machine may have no identity to commit with.
        who = ["-c", "user.name=scripted worker", "-c", "user.email=worker@localhost"]
        await self._shell(["git", *who, "commit", "-q", "-m", message], "git commit")

    async def _shell(self, command: list[str], shown: str) -> None:
        done = await anyio.run_process(
            command,
            stderr=subprocess.STDOUT,
            check=False,
            cwd=self._session.cwd,
            env=self._session.tool_environment,
        )
        output = done.stdout.decode(errors="replace").rstrip()
        if output:
            show("", output)
        if done.returncode:
            show("", f"exit code {done.returncode}")
        self._keep(await self._session.tool_used("Bash", {"command": shown}, output))

    async def _ask(self, wanted: str | dict[str, str]) -> None:
        """A question, or one with `of`: the agent whose opinion is wanted."""
        given = {"question": wanted} if isinstance(wanted, str) else wanted
        show("ask", given["question"])
        result = await self._call("ask", **given)
        if not result.is_error:
            self._answer = str(result.structured.get("answer") or "")

    async def _complete(self, summary: str) -> None:
        show("complete", summary)
        self._said = summary
        result = await self._call("complete", summary=summary)
        if result.is_error and "Nothing is committed" in result.text:
            await self._call("complete", summary=summary)  # a script has decided before

    async def _call(self, tool: str, **arguments: object) -> ToolResult:
        result = await self._session.call_tool(tool, **arguments)
        show("error" if result.is_error else "read", result.text)
        self._keep(result.mail)
        return result

    async def _wait(self, seconds: object) -> None:
        """Idle until mail comes; what this turn has read already needs no waiting."""
        if not self._mail:
            await self._idle(seconds if isinstance(seconds, float | int) else None)
        if self._mail:
            self._answer, self._mail = "\n\n".join(self._mail), []
        else:
            show("idle", f"no mail in {seconds} s")

    async def _idle(self, limit: float | None) -> None:
        """Ends the turn; a script has nothing to say to a reminder, so it ends it again."""
        for times in range(1, _BLOCKS + 1):
            text = await self._session.stop(self._said, active=times > 1)
            if not text:
                break
            show(f"block {times}", text)
            if text not in _REMINDERS:
                self._mail.append(text)
            else:
                self._keep(await self._session.wait_for_mail(_THOUGHT_SECONDS))
            if self._mail:
                break
        if not self._mail:
            show("idle", "waiting for mail")
            self._keep(await self._session.wait_for_mail(limit))

    async def _sleep(self, seconds: float) -> None:
        show("sleep", f"{seconds} s")
        await anyio.sleep(seconds)

    async def _crash(self, code: int) -> None:
        show("crash", f"exit code {code}")
        self._session.remove_files()
        os._exit(code)

    async def _hang(self, _: object) -> None:
        show("hang", "busy for ever")
        await anyio.sleep_forever()


def script_in(prompt: str) -> list[dict[str, Any]]:
    """The steps that stand in a prompt, or in the file that it names."""
    named = _TASK_FILE.search(prompt)
    task = Path(named[1]).read_text("utf-8") if named else prompt
    found = _STEPS.search(task)
    if found is None:
        return [{"complete": "nothing to play"}]
    try:
        steps = json.loads(found[1])
    except ValueError as error:
        raise ScriptUnreadable(f"The steps are no JSON: {error}.") from error
    if not isinstance(steps, list):
        raise ScriptUnreadable("The steps are no JSON list.")
    for step in steps:
        if not isinstance(step, dict) or len(step) != 1:
            raise ScriptUnreadable(f"{step!r} is no step: an object with one key is.")
    return steps


def show(step: str, text: str) -> None:
    """A line for people who look; the terminal may be gone already."""
    with suppress(OSError):
        lines = rendering.clean(text).splitlines() or [""]
        for number, line in enumerate(lines):
            sys.stdout.write(f"{step if number == 0 else '':>10}  {line}\n")
        sys.stdout.flush()


async def _run(options: argparse.Namespace) -> int:
    session = RehearsedSession(
        plugin_root=options.plugin_dir,
        cwd=Path.cwd(),
        session_id=options.session_id,
        environ=os.environ,
    )
    code = 0
    async with session, anyio.create_task_group() as tasks:
        tasks.start_soon(_leave_on_signal, tasks.cancel_scope)
        try:
            await Player(session).play(options.prompt)
        except (WorkerManagerError, OSError) as error:
            show("failed", str(error))
            code = 1
        finally:
            with anyio.move_on_after(_END_SECONDS, shield=True):
                await session.end("other")
        tasks.cancel_scope.cancel()
    return code


async def _leave_on_signal(scope: anyio.CancelScope) -> None:
    with anyio.open_signal_receiver(signal.SIGHUP, signal.SIGTERM) as signals:
        async for _ in signals:
            scope.cancel()
            return


def main() -> int:
    """The exit code is 1 when the script could not be played."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--session-id", required=True)
    parser.add_argument("--plugin-dir", required=True, type=Path)
    parser.add_argument("prompt", nargs="?", default="")
    return anyio.run(partial(_run, parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
