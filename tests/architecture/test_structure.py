"""What must hold for the tree as a whole."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.support.scripted.client import Client
from tests.support.scripted.workers import recorded_worker
from worker_manager import __version__
from worker_manager.agents import KNOWN, agent_named
from worker_manager.agents.base import Agent
from worker_manager.config import load
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.reporting import reports
from worker_manager.domain.message import Message
from worker_manager.domain.worker import Status
from worker_manager.errors import InvalidSetting
from worker_manager.state import orchestrators
from worker_manager.state.layout import mailbox_path, state_root
from worker_manager.state.mail.mailbox import Mailbox

MAIN = "from worker_manager.__main__ import main; main()"
HEAVY = {"mcp", "libtmux", "git", "filelock", "pydantic", "asyncio", "anyio", "dataclasses"}
#: 2 to 5 ms each, and 14 for Python itself.
SLOW = {"hashlib", "logging", "pathlib", "random", "secrets", "subprocess", "tempfile", "typing"}


@pytest.mark.parametrize(
    "module",
    [
        "user_prompt_submit",
        "post_tool_use",
        "post_tool_use_failure",
        "permission_request",
        "file_changed",
        "pre_tool_use",
        "stop",
        "session_start",
    ],
)
def test_a_hook_loads_nothing_heavy(module: str) -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(CHECKOUT / 'src')!r}); "
        f"import worker_manager.hooks.entry, worker_manager.hooks.{module}; "
        "print('\\n'.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script],
        check=True,
        capture_output=True,
        text=True,
    )

    assert set(done.stdout.split()) & (HEAVY | SLOW) == set()


def run(code: str, environ: dict[str, str], stdin: str = "") -> tuple[str, set[str]]:
    """What a program says, and the modules that it loads."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-X", "importtime", "-c", code],
        check=False,
        capture_output=True,
        text=True,
        env=environ,
        input=stdin,
    )
    said = [line for line in done.stderr.splitlines() if not line.startswith("import time:")]
    loaded = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return "\n".join([done.stdout, *said]), {line.rpartition("|")[2].strip() for line in loaded}


@pytest.mark.parametrize("event", ["UserPromptSubmit", "FileChanged", "PostToolUse", "Stop"])
def test_a_hook_that_shows_mail_loads_what_takes_no_time(tmp_path: Path, event: str) -> None:
    environ = {
        "WORKER_MANAGER_STATE_DIR": str(tmp_path / "state"),
        "CLAUDE_CODE_SESSION_ID": "s",
        "CLAUDE_CODE_ENTRYPOINT": "cli",
    }
    home = orchestrators.open_home(str(tmp_path / "state"), "s", str(tmp_path))
    letter = Message(
        id="m1", type="completion", sender="0" * 8, name="n", sent="now", body='"done"\n\x1b'
    )
    Mailbox(mailbox_path(home)).deliver(letter)
    hook = ["--hook", event]
    start = f"import sys; sys.path.insert(0, {str(CHECKOUT / 'src')!r}); sys.argv[1:] = {hook!r}; "

    said, loaded = run(f"{start}{MAIN}", environ, '{"tool_name": "Read"}')

    if event == "UserPromptSubmit":
        said = json.loads(said)["hookSpecificOutput"]["additionalContext"]
        assert '"done"\n\n-----m1' in said
    assert "-----m1" in said
    ours = {name for name in loaded if name.startswith("worker_manager")}
    assert "worker_manager.state.mail.inbox" in ours
    assert len(ours) <= 20
    _, usual = run("import os, time", environ)
    assert loaded - ours - usual == set()


#: What nobody who lists waits for.
OF_OTHERS = {"asyncio", "click", "concurrent.futures", "dataclasses", "filelock", "git", "inspect"}
OF_OTHERS |= {"libtmux", "logging", "mcp", "psutil", "pydantic", "rich", "textual"}


def command_line(line: list[str], cwd: Path) -> str:
    """A program that runs it there, without the packages of others."""
    src = str(CHECKOUT / "src")
    start = f"import os, sys; sys.path.insert(0, {src!r}); os.chdir({str(cwd)!r})"
    return f"{start}; sys.argv[1:] = {line!r}; {MAIN}"


@pytest.mark.parametrize("line", ["ls", "ls --all --json"])
def test_a_list_loads_what_it_needs(fleet: Fleet, repository: Path, line: str) -> None:
    said, loaded = run(command_line(line.split(), repository), {**os.environ})

    assert "Traceback" not in said
    assert loaded & (OF_OTHERS | {"subprocess", "worker_manager.crew.fleet"}) == set()

    worker = recorded_worker(fleet, repository)
    said, loaded = run(command_line(line.split(), repository), {**os.environ})

    assert worker.id in said
    assert "worker_manager.crew.fleet" in loaded
    starts = {f"worker_manager.crew.{one}" for one in ("lifecycle.start", "integration.merge")}
    assert loaded & (OF_OTHERS | starts) == set()


@pytest.mark.parametrize("typed", ["", "re", "ls --", "attach "])
def test_a_completion_loads_next_to_nothing(fleet: Fleet, repository: Path, typed: str) -> None:
    worker = recorded_worker(fleet, repository)
    environ = {
        **os.environ,
        "_WORKER_MANAGER_COMPLETE": "bash_complete",
        "COMP_WORDS": f"worker-manager {typed}",
        "COMP_CWORD": str(1 + typed.count(" ")),
    }

    said, loaded = run(command_line([], repository), environ)

    expected = {"": "plain,run", "re": "plain,restore", "ls --": "plain,--watch"}
    assert said.splitlines()[0] == expected.get(typed, f"plain,{worker.id}")
    assert loaded & (OF_OTHERS | {"subprocess", "datetime", "typing"}) == set()
    assert ("json" in loaded) is (typed == "attach ")
    assert len({name for name in loaded if name.startswith("worker_manager")}) <= 22


@pytest.mark.parametrize("line", ["start --help", "stop --help", "nudge --help", "mail --help"])
def test_a_commands_help_loads_no_crew(repository: Path, line: str) -> None:
    program = (
        f"import os, sys; os.chdir({str(repository)!r}); sys.argv[1:] = {line.split()!r}; {MAIN}"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-X", "importtime", "-c", program],
        check=True,
        capture_output=True,
        text=True,
    )
    loaded = {one.rpartition("|")[2].strip() for one in done.stderr.splitlines()}

    assert "click" in loaded
    assert loaded & {"git", "libtmux", "mcp", "subprocess", "textual"} == set()
    assert {name for name in loaded if name.startswith("worker_manager.crew.")} == set()


@pytest.mark.parametrize("event", ["Stop", "UserPromptSubmit"])
@pytest.mark.parametrize("status", [Status.RUNNING, Status.ASKING, Status.COMPLETED])
def test_a_hook_of_each_turn_of_a_worker_loads_what_takes_no_time(
    fleet: Fleet, repository: Path, event: str, status: Status
) -> None:
    worker = recorded_worker(fleet, repository, status=Status.RUNNING)
    if status is Status.ASKING:
        reports.ask(fleet.records, worker.id, "tea?")
    elif status is Status.COMPLETED:
        reports.complete(fleet.records, worker.id, "done")
    environ = {
        "WORKER_MANAGER_STATE_DIR": state_root(),
        "WORKER_MANAGER_WORKER_ID": worker.id,
        "CLAUDE_CODE_SESSION_ID": worker.session_id,
    }
    given = {"background_tasks": [], "last_assistant_message": "Hm."}
    start = f"import sys; sys.path.insert(0, {str(CHECKOUT / 'src')!r}); "
    hook = f"from worker_manager.hooks import entry; entry.run({event!r})"

    said, loaded = run(f"{start}{hook}", environ, json.dumps(given))

    assert ("without a report" in said) == ((event, status) == ("Stop", Status.RUNNING))
    ours = {name for name in loaded if name.startswith("worker_manager")}
    assert "worker_manager.state.workers.glance" in ours
    assert len(ours) <= 24
    _, usual = run("import os, time", environ)
    assert loaded - ours - usual == set()


def test_the_live_view_loads_no_web_client_and_no_server() -> None:
    program = "import sys, worker_manager.dashboard.app; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], check=True, capture_output=True, text=True
    )

    loaded = set(done.stdout.split())
    assert "textual.app" in loaded
    assert (
        loaded & {"aiohttp", "click", "git", "http.client", "libtmux", "mcp", "pydantic"} == set()
    )


def test_the_versions_agree() -> None:
    manifest = json.loads((CHECKOUT / ".claude-plugin" / "plugin.json").read_text("utf-8"))

    assert manifest["version"] == __version__


def test_every_hook_event_has_its_module() -> None:
    declared = json.loads((CHECKOUT / "hooks" / "hooks.json").read_text("utf-8"))["hooks"]
    known = (CHECKOUT / "src" / "worker_manager" / "hooks" / "entry.py").read_text("utf-8")

    assert set(declared) == set(re.findall(r'^    "(\w+)": "\w+",$', known, re.MULTILINE))


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "helpers", "common", "misc", "manager", "service", "core"}
    names = {path.stem for path in (CHECKOUT / "src").rglob("*.py")}

    assert names & empty == set()


def test_no_module_is_longer_than_500_lines() -> None:
    sources = (CHECKOUT / "src").rglob("*.py")

    assert [path for path in sources if len(path.read_text("utf-8").splitlines()) > 500] == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_file_pins_with_hashes_and_names_no_index(lock: str) -> None:
    content = Path(CHECKOUT, lock).read_text("utf-8")

    assert "://" not in content
    assert content.count("==") <= content.count("--hash=sha256:")


def test_every_promise_has_a_test_and_every_test_keeps_a_promise_we_make() -> None:
    sections = tomllib.loads((CHECKOUT / "docs" / "promises.toml").read_text("utf-8"))
    made = {promise for section in sections.values() for promise in section}
    sources = [path.read_text("utf-8") for path in (CHECKOUT / "tests").rglob("test_*.py")]
    marks = [mark for text in sources for mark in re.findall(r"mark\.promise\(([^)]*)\)", text)]
    kept = {name for mark in marks for name in re.findall(r'"([\w-]+)"', mark)}

    assert made - kept == set()
    assert kept - made == set()


def test_the_hook_that_waits_has_more_time_than_it_may_be_told_to_wait() -> None:
    declared = json.loads((CHECKOUT / "hooks" / "hooks.json").read_text("utf-8"))["hooks"]
    ((waits,),) = [group["hooks"] for group in declared["PermissionRequest"]]

    with pytest.raises(InvalidSetting):
        load(CHECKOUT, {"WORKER_MANAGER_PERMISSION_WAIT_SECONDS": str(waits["timeout"] - 59)})


#: Who writes to a stream that the door has not spared, a text of ours alone.
_OWN_TEXT = {
    "text/output.py",
    "bootstrap.py",
    "__main__.py",
    "installation/progress.py",
    "processes/packages.py",
}
#: Who makes JSON for a file of ours, a letter, or a word of a command: as ASCII it holds whatever a
#: name has, and gives it back.
_OWN_JSON = {
    "text/output.py",
    "agents/claude/launch.py",
    "agents/claude/transcripts.py",
    "cli/recording.py",
    "agents/codex/hooks.py",
    "agents/codex/rollouts.py",
    "agents/codex/toml.py",
    "cli/schema.py",
    "crew/lifecycle/equipment.py",
    "crew/reporting/evidence.py",
    "crew/messaging/decisions.py",
    "doctor/wake_test.py",
    "text/rendering.py",
    "hooks/protocol.py",
    "worktrees/baseline.py",
}
#: Called by a command, whose streams are spared.
_OF_COMMANDS = ("cli/", "dashboard/", "doctor/", "rehearsal/")


def calls_in(path: Path) -> set[str]:
    """The names of what a module calls, as they stand there."""
    tree = ast.parse(path.read_text("utf-8"))
    return {ast.unparse(one.func) for one in ast.walk(tree) if isinstance(one, ast.Call)}


@pytest.mark.promise("text-whole")
def test_text_leaves_by_one_door() -> None:
    package = CHECKOUT / "src" / "worker_manager"
    written, dumped = set(), set()
    for path in package.rglob("*.py"):
        name = path.relative_to(package).as_posix()
        calls = calls_in(path)
        if calls & {
            "sys.stdout.write",
            "sys.stderr.write",
            "stream.buffer.write",
            "print",
        } and not name.startswith(_OF_COMMANDS):
            written.add(name)
        if "json.dumps" in calls and not name.startswith(("state/", "rehearsal/")):
            dumped.add(name)

    assert written - _OWN_TEXT == set()
    assert dumped - _OWN_JSON == set()


def texts_in(path: Path) -> set[str]:
    """The texts of a module that are no docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    alone = {one.value for one in ast.walk(tree) if isinstance(one, ast.Expr)}
    found = [one for one in ast.walk(tree) if isinstance(one, ast.Constant) and one not in alone]
    return {one.value for one in found if isinstance(one.value, str)}


def test_the_state_directory_knows_no_fact_of_claude_code() -> None:
    """Its paths, variables, and what stands in its transcripts."""
    state = CHECKOUT / "src" / "worker_manager" / "state"
    texts = set().union(*map(texts_in, state.rglob("*.py")))
    facts = re.compile(r"\.claude|CLAUDE|queue-operation|^(assistant|sessionId|projects)$")

    assert {one for one in texts if facts.search(one)} == set()


def test_each_agent_answers_each_question() -> None:
    """mypy sees that, too, and how; this says which answer is missing."""
    questions = {name for name in vars(Agent) if not name.startswith("_")}
    for name in KNOWN:
        assert questions - set(dir(agent_named(name))) == set(), name


def test_a_workers_process_is_looked_at_in_one_place() -> None:
    # In `state` and by hooks it is that of a reader or of one who waits. What lies on another
    # machine can't be looked at by its process.
    package = CHECKOUT / "src" / "worker_manager"
    looks = {"process_identity.surely_runs", "process_identity.has_ended"}
    found = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if calls_in(path) & looks
    }
    assert {name for name in found if not name.startswith(("state/", "hooks/"))} == {
        "crew/presence.py"
    }


def test_a_handle_is_taken_apart_by_its_runtime_only() -> None:
    package = CHECKOUT / "src" / "worker_manager"
    apart = re.compile(r"\bhandle(\.(r?partition|r?split|startswith|endswith)\(|\[)")
    found = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if apart.search(path.read_text("utf-8"))
    }
    assert {name for name in found if not name.startswith("runtimes/")} == set()


def test_tests_lie_where_the_thing_lies() -> None:
    package = CHECKOUT / "src" / "worker_manager"
    packages = {path.parent.name for path in package.glob("*/__init__.py")}
    floors = [CHECKOUT / "tests" / floor for floor in ("unit", "integration")]
    folders = {path.parent.name for floor in floors for path in floor.glob("*/__init__.py")}

    assert packages - folders == set()
    assert folders - packages == {"journeys"}


def test_a_workers_server_needs_no_compiled_package(repository: Path, fleet: Fleet) -> None:
    """Workers on other machines will have Python and git, and nothing that was compiled for it."""
    worker = recorded_worker(fleet, repository, status=Status.RUNNING)
    program = (
        "import sys; from worker_manager.__main__ import main; sys.argv[1:] = []\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "for name, one in sys.modules.items():\n"
        "    file = getattr(one, '__file__', None) or ''\n"
        "    sys.stderr.write(f'LOADED {name} {file}\\n')"
    )
    client = Client(
        [sys.executable, "-I", "-c", program],
        repository,
        WORKER_MANAGER_WORKER_ID=worker.id,
        CLAUDE_CODE_SESSION_ID=worker.session_id,
        WORKER_MANAGER_ASK_WAIT_SECONDS="1",
    )
    client.begin()
    for tool, given in (("ask", {"question": "tea?"}), ("complete", {"summary": "done"})):
        result = client.ask("tools/call", name=tool, arguments=given)["result"]
        assert not result["isError"], result
    told = client.end()
    client.kill()

    loaded = dict(re.findall(r"^LOADED (\S+) ?(.*)$", told, re.MULTILINE))
    others = {name for name, file in loaded.items() if "site-packages" in file}
    compiled = {name for name in others if not loaded[name].endswith(".py")}
    assert compiled == set()
    assert {name.partition(".")[0] for name in others} <= {"_distutils_hack"}
    assert len(loaded) <= 330
