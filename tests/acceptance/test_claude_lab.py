"""The lab and the scripted API themselves, with a tiny plugin in place of ours."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.support.claude.claude_lab import ClaudeLab
from tests.support.claude.messages_api import MessagesApi
from tests.support.claude.replies import Failure, ToolCall, call, say, several

pytestmark = [pytest.mark.claude]

ADD = "mcp__plugin_tiny_sums__add"
SKIP_WARNING = json.dumps({"skipDangerousModePermissionPrompt": True})

HOOK = """
import json, os, pathlib, sys

event = json.load(sys.stdin)
inbox = pathlib.Path(os.environ["XDG_STATE_HOME"], "inbox")
if event["hook_event_name"] == "SessionStart":
    inbox.mkdir(parents=True, exist_ok=True)
    answer = {"hookEventName": "SessionStart", "watchPaths": [str(inbox)]}
    print(json.dumps({"hookSpecificOutput": answer}))
elif event["event"] != "unlink":
    path = pathlib.Path(event["file_path"])
    sys.stderr.write(path.read_text(encoding="utf-8"))
    sys.exit(2)
"""

SERVER = """
import json, sys

TOOL = {
    "name": "add",
    "description": "Adds two numbers.",
    "inputSchema": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    },
}

def answer(method, params):
    if method == "initialize":
        return {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "sums", "version": "1"},
        }
    if method == "tools/list":
        return {"tools": [TOOL]}
    if method == "tools/call":
        total = sum(params["arguments"].values())
        return {"content": [{"type": "text", "text": f"the sum is {total}"}]}
    return None

for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    result = answer(message["method"], message.get("params", {}))
    reply = {"jsonrpc": "2.0", "id": message["id"]}
    if result is None:
        reply["error"] = {"code": -32601, "message": "no such method"}
    else:
        reply["result"] = result
    print(json.dumps(reply), flush=True)
"""


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a file of the plugin."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """A plugin "tiny" in a marketplace "tiny": a doorbell and a server with one tool."""
    root = tmp_path / "tiny"
    manifest = {"name": "tiny", "version": "0.1.0", "description": "A plugin for a test."}
    entry = {**manifest, "source": "./"}
    marketplace = {"name": "tiny", "owner": {"name": "test"}, "plugins": [entry]}
    hook = {"type": "command", "command": f'{sys.executable} "${{CLAUDE_PLUGIN_ROOT}}/hook.py"'}
    doorbell = {**hook, "asyncRewake": True, "timeout": 20}
    events = {"SessionStart": [{"hooks": [hook]}], "FileChanged": [{"hooks": [doorbell]}]}
    server = {"command": sys.executable, "args": ["${CLAUDE_PLUGIN_ROOT}/server.py"]}
    root.mkdir()
    write_json(root / ".claude-plugin" / "plugin.json", manifest)
    write_json(root / ".claude-plugin" / "marketplace.json", marketplace)
    write_json(root / "hooks" / "hooks.json", {"hooks": events})
    write_json(root / ".mcp.json", {"mcpServers": {"sums": server}})
    (root / "hook.py").write_text(dedent(HOOK), encoding="utf-8")
    (root / "server.py").write_text(dedent(SERVER), encoding="utf-8")
    return root


def ring(lab: ClaudeLab, text: str) -> None:
    """Rename a file into the watched directory."""
    draft = lab.root / "draft"
    draft.write_text(text, encoding="utf-8")
    draft.rename(lab.state_home / "inbox" / f"{time.time_ns()}.txt")


def test_the_first_prompt_is_answered_by_the_script(lab: ClaudeLab, api: MessagesApi) -> None:
    api.name_session("boss", first_prompt="^W1")
    api.on("boss", "^W1", say("Hello from the script."))

    session = lab.start(prompt="W1 please say hello")

    request = api.wait_for_request("boss", "please say hello")
    session.wait_for_screen("Hello from the script.")
    session.wait_for_status("idle")
    assert "Bash" in request.tools
    assert request.session_id == session.session_id
    assert api.session_ids("boss") == [session.session_id]


def test_typed_prompts_arrive_one_by_one(lab: ClaudeLab, api: MessagesApi) -> None:
    session = lab.start()
    session.type("W1 first\nwith a second line")
    first = api.wait_for_request(None, "W1 first\nwith a second line")
    session.type("W1 another")

    second = api.wait_for_request(None, "W1 another", after=first)

    assert "W1 first" in second.all_text
    assert "W1 first" not in second.new_text
    assert api.times_told(None, "W1 first") == 1


def test_a_tool_result_reaches_the_model(lab: ClaudeLab, api: MessagesApi, plugin: Path) -> None:
    api.on(
        "boss",
        "^W1",
        several("Let me add.", ToolCall(ADD, {"a": 2, "b": 3}), ToolCall(ADD, {"a": 20, "b": 30})),
    )
    api.name_session("boss", first_prompt="^W1")

    done = lab.run_print("W1 add", "--plugin-dir", str(plugin), "--allowedTools", ADD)

    result = api.wait_for_request("boss", "the sum is 5$")
    assert "the sum is 50" in result.new_text
    assert done.stdout.strip() == "ok", done
    assert api.unused_rules("boss") == []


def test_a_tool_is_called_in_an_interactive_session(
    lab: ClaudeLab, api: MessagesApi, plugin: Path
) -> None:
    api.name_session("boss", first_prompt="^W1")
    api.on("boss", "^now", call(ADD, a=2, b=3))

    session = lab.start("--plugin-dir", str(plugin), "--allowedTools", ADD, prompt="W1 hello")
    session.type("now add")

    request = api.wait_for_request("boss", "the sum is 5")
    assert ADD in (*request.tools, *request.announced_tools)


def test_a_file_in_the_watched_directory_wakes_an_idle_session(
    lab: ClaudeLab, api: MessagesApi, plugin: Path
) -> None:
    api.name_session("boss", first_prompt="^W1")
    session = lab.start("--plugin-dir", str(plugin), prompt="W1 wait for mail")
    api.wait_for_request("boss")
    session.wait_for_status("idle")

    ring(lab, "The first letter.")
    api.wait_for_request("boss", "The first letter")
    session.wait_for_status("idle")
    ring(lab, "The second letter.")
    woken = api.wait_for_request("boss", "The second letter")

    assert "The first letter" not in woken.new_text
    assert api.times_told("boss", "The first letter") == 1
    assert len(api.requests_with_new("boss", "letter")) == 2


def test_a_plugin_is_installed_from_a_git_marketplace(
    lab: ClaudeLab, api: MessagesApi, plugin: Path
) -> None:
    lab.git("init", "--quiet", ".", cwd=plugin)
    lab.git("add", ".", cwd=plugin)
    lab.git("commit", "--quiet", "-m", "Tiny", cwd=plugin)
    (plugin / "not-committed").touch()
    api.on("boss", "^W1", call(ADD, a=2, b=3))
    api.name_session("boss", first_prompt="^W1")

    lab.install_plugin(plugin, "tiny@tiny")
    lab.run_print("W1 add", "--allowedTools", ADD)

    assert api.wait_for_request("boss", "the sum is 5")
    assert list(lab.home.glob(".claude/plugins/cache/tiny/tiny/*/server.py"))
    assert not list(lab.home.glob(".claude/plugins/cache/tiny/tiny/*/not-committed"))


def test_what_was_installed_in_another_lab_is_installed_in_this_one(crew: ClaudeLab) -> None:
    listed = json.loads(crew.run_well("plugin", "list", "--json"))

    (ours,) = (one for one in listed if one["id"] == "worker-manager@worker-manager")
    assert ours["enabled"]
    assert Path(ours["installPath"]).is_relative_to(crew.home)


def test_the_reason_of_a_stop_hook_counts_once(
    lab: ClaudeLab, api: MessagesApi, plugin: Path
) -> None:
    answer = json.dumps({"decision": "block", "reason": "Please report."})
    hook = {"type": "command", "command": f"grep -q 'active\": *true' || echo '{answer}'"}
    write_json(plugin / "hooks" / "hooks.json", {"hooks": {"Stop": [{"hooks": [hook]}]}})
    api.name_session("boss", first_prompt="^W1")

    session = lab.start("--plugin-dir", str(plugin), prompt="W1 hello")
    stopped = api.wait_for_request("boss", "Please report")
    session.wait_for_status("idle")
    api.on("boss", "^ask$", say("The end."))
    session.type("ask")
    api.wait_for_request("boss", "^ask$", after=stopped)
    session.wait_for_screen("The end.")

    # The second turn stops as well, so the hook speaks again.
    second = api.wait_for_request("boss", "Please report", after=stopped)
    # In one request each; 2.1.332 itself writes it several times there.
    assert api.requests_with_new("boss", "Please report") == [stopped, second]


def test_the_script_can_fail_a_request_and_answer_the_retry(
    lab: ClaudeLab, api: MessagesApi
) -> None:
    api.name_session("boss", first_prompt="^W1")
    api.on("boss", "^W1", Failure(529, headers={"retry-after": "0"}))
    api.on("boss", "^W1", lambda request: say(f"retried as {request.number}"))

    done = lab.run_print("W1 hello")

    first, second = api.requests("boss")
    assert done.stdout.strip() == f"retried as {second.number}"
    assert "W1 hello" in first.new_text
    assert second.new_text == ""


def test_a_session_started_by_another_one_is_found(lab: ClaudeLab, api: MessagesApi) -> None:
    api.name_session("boss", first_prompt="^W1")
    api.name_session("worker", first_prompt="^W2")
    start = "tmux -L other -f /dev/null new-session -d claude --model opus -- 'W2 work'"
    api.on("boss", "^W1", call("Bash", command=start, description="Start the other one"))

    lab.start("--permission-mode", "bypassPermissions", "--settings", SKIP_WARNING, prompt="W1 go")
    opening = api.wait_for_request("worker", "W2 work")
    worker = lab.wait_for_session(lambda state: state["sessionId"] == opening.session_id)
    worker.type("and more")

    assert api.wait_for_request("worker", "and more")


def test_nothing_of_the_lab_survives_it(lab: ClaudeLab, plugin: Path) -> None:
    session = lab.start("--plugin-dir", str(plugin), prompt="W1 hello")
    session.wait_for_status("idle")
    assert session.pid in lab.processes()

    lab.close()

    assert lab.processes() == []
    assert not lab.root.exists()


def test_a_wait_that_fails_tells_what_came_instead(api: MessagesApi) -> None:
    api.on("boss", "^W1", say("never"))
    with pytest.raises(AssertionError, match=r"(?s)no request of boss.*unused rule: '\^W1'"):
        api.wait_for_request("boss", "W1", seconds=0.1)
