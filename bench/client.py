"""The client's side of MCP on a server's stdin and stdout, and what the server costs."""

from __future__ import annotations

import itertools
import json
import os
import selectors
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import psutil

from bench.measuring import Cost

#: A server that says nothing for so long will say nothing.
_SECONDS = 180.0
_PROTOCOL = "2025-11-25"


class Server:
    """A server of one's own whose conversation has begun. Its parent is a shell that stands for
    Claude Code: servers tell sessions apart by their parents.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], cwd: Path | str) -> None:
        self._process = subprocess.Popen(
            ["sh", "-c", '"$@"; exit', "claude", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environ),
            cwd=cwd,
        )
        self._numbers = itertools.count()
        self._unread = bytearray()
        self._answers: dict[int, dict[str, Any]] = {}
        info = {"name": "bench", "version": "1"}
        begin = self.ask("initialize", protocolVersion=_PROTOCOL, capabilities={}, clientInfo=info)
        self.answer(begin)
        self._send(method="notifications/initialized")
        self.answer(self.ask("tools/list"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self.end()

    @property
    def pid(self) -> int:
        """That of its parent."""
        return self._process.pid

    def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        """What a tool gives; raises RuntimeError when it refuses."""
        return self.result(self.begin(tool, **arguments))

    def begin(self, tool: str, **arguments: object) -> int:
        """Calls a tool; gives the number under which its `result` can be had."""
        return self.ask("tools/call", name=tool, arguments=arguments)

    def result(self, number: int) -> dict[str, Any]:
        """The structured result of a call; raises RuntimeError when it was refused."""
        result = self.answer(number)
        if result.get("isError"):
            raise RuntimeError(result["content"][0]["text"])
        return dict(result["structuredContent"])

    def ask(self, method: str, **params: object) -> int:
        """Sends any request; gives its number."""
        number = next(self._numbers)
        self._send(id=number, method=method, params=params)
        return number

    def answer(self, number: int) -> dict[str, Any]:
        """Waits for the answer to a request; raises RuntimeError when there is none."""
        while number not in self._answers:
            message = json.loads(self._line())
            if "method" not in message:
                self._answers[message["id"]] = message
        message = self._answers.pop(number)
        if "result" not in message:
            raise RuntimeError(str(message))
        return dict(message["result"])

    def pss(self) -> int:
        """The memory it holds, in bytes: what processes share is divided between them."""
        family = psutil.Process(self.pid).children(recursive=True)
        return sum(one.memory_full_info().pss for one in family)

    def end(self) -> Cost:
        """Closes the conversation; gives the CPU of its whole life."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        _, status, usage = os.wait4(self.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return Cost(0.0, usage.ru_utime + usage.ru_stime)

    def _send(self, **message: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self._process.stdin.flush()

    def _line(self) -> bytes:
        assert self._process.stdout is not None
        while b"\n" not in self._unread:
            with selectors.DefaultSelector() as waiting:
                waiting.register(self._process.stdout, selectors.EVENT_READ)
                if not waiting.select(_SECONDS):
                    raise RuntimeError(f"The server said nothing for {_SECONDS:.0f} s.")
            heard = os.read(self._process.stdout.fileno(), 1 << 16)
            if not heard:
                raise RuntimeError("The server ended.")
            self._unread += heard
        line, _, self._unread = self._unread.partition(b"\n")
        return bytes(line)
