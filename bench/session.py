"""Stands in a worker's terminal in the place of Claude Code, the same for each version that is
measured: it checks in by its hooks, and stays. The bench itself plays the rest of its part.

    python -I -S session.py FOLDER -- what Claude Code is called with

FOLDER/workers/ID.json gets its environment. With a file FOLDER/with-servers it runs its server,
and SessionStart beside it.
"""

import json
import os
import subprocess
import sys
import time

_ASKED: list[dict[str, object]] = [
    {
        "id": 0,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "bench", "version": "1"},
        },
    },
    {"method": "notifications/initialized"},
    {"id": 1, "method": "tools/list"},
]


def main() -> None:
    """Until its terminal goes away."""
    folder, given = sys.argv[1], sys.argv[3:]
    session_id = given[given.index("--session-id") + 1]
    plugin = given[given.index("--plugin-dir") + 1]
    environ = {
        **os.environ,
        "CLAUDE_CODE_SESSION_ID": session_id,
        "CLAUDE_CODE_ENTRYPOINT": "cli",
        "CLAUDE_PLUGIN_ROOT": plugin,
        "CLAUDE_PROJECT_DIR": os.getcwd(),
    }
    servers = []
    with_pid = {**environ, "CLAUDE_PID": str(os.getpid())}
    if os.path.exists(os.path.join(folder, "with-servers")):
        servers.append(_serve(plugin, environ))
        _hook(plugin, "SessionStart", with_pid, {"source": "startup"})
    _hook(plugin, "UserPromptSubmit", with_pid, {"prompt": given[-1]})
    path = os.path.join(folder, "workers", f"{environ['WORKER_MANAGER_WORKER_ID']}.json")
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump(environ, file)
    os.replace(f"{path}.new", path)
    time.sleep(100_000)


def _serve(plugin: str, environ: dict[str, str]) -> "subprocess.Popen[str]":
    server = subprocess.Popen(
        [os.path.join(plugin, "bin", "worker-manager")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environ,
        text=True,
    )
    assert server.stdin is not None
    for message in _ASKED:
        server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    server.stdin.flush()
    return server


def _hook(plugin: str, event: str, environ: dict[str, str], fields: dict[str, str]) -> None:
    with open(os.path.join(plugin, "hooks", "hooks.json"), encoding="utf-8") as file:
        command = json.load(file)["hooks"][event][0]["hooks"][0]["command"]
    given = {
        "session_id": environ["CLAUDE_CODE_SESSION_ID"],
        "hook_event_name": event,
        "cwd": os.getcwd(),
        **fields,
    }
    subprocess.run(
        ["sh", "-c", command.replace("${CLAUDE_PLUGIN_ROOT}", plugin)],
        input=json.dumps(given),
        env=environ,
        text=True,
        stdout=subprocess.DEVNULL,
        check=False,
    )


if __name__ == "__main__":
    main()
