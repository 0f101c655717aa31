"""A client of an orchestrator's server that speaks plain JSON lines."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.waiting import WAIT_SECONDS

VERSION = "2025-06-18"


class Client:
    """Starts the server, and ends it."""

    def __init__(self, command: Sequence[str | Path], project: Path, **environ: str) -> None:
        # No pipe: nobody reads it before the end, and a full one would hold the server up.
        self._told = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115  `kill` closes it
        self.server = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._told,
            text=True,
            env={**os.environ, "CLAUDE_CODE_SESSION_ID": str(uuid.uuid4()), **environ},
            cwd=project,
        )

    def say(self, **message: Any) -> None:
        assert self.server.stdin is not None
        self.server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.server.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self.server.stdout is not None
        return dict(json.loads(self.server.stdout.readline()))

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer, which is the next thing said."""
        number = uuid.uuid4().hex
        self.say(id=number, method=method, params=params)
        answer = self.hear()
        assert answer["id"] == number
        return answer

    def begin(self, version: str = VERSION) -> dict[str, Any]:
        client = {"capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        begun = self.ask("initialize", protocolVersion=version, **client)
        self.say(method="notifications/initialized")
        return begun

    def end(self) -> str:
        """Closes its stdin; what it has written to stderr."""
        said, _ = self.server.communicate(timeout=WAIT_SECONDS)
        assert said == ""
        assert self.server.returncode == 0
        self._told.seek(0)
        return self._told.read()

    def kill(self) -> None:
        """Ends it, however it is."""
        self.server.kill()
        self.server.communicate()
        self._told.close()
