"""Pages hold together: links lead somewhere, settings and calls are real, quotes are true."""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CHECKOUT
from tests.support.documents import Block, anchors, blocks, links, pages
from worker_manager import config
from worker_manager.doctor.examination import CHECKS
from worker_manager.domain.worker import Status
from worker_manager.servers.handshake import RECORDS

ALL = [block for page in pages() for block in blocks(page)]
#: What each kind of block is: commands are run (test_commands.py), settings and calls are checked
#: here; a text is what a command before it prints, or a sample that TEXTS accounts for.
KINDS = {"sh", "text", "toml", "python"}


def named(page: Path) -> str:
    return str(page.relative_to(CHECKOUT))


def of_kind(kind: str) -> list[Any]:
    return [pytest.param(one, id=one.where) for one in ALL if one.kind == kind]


@pytest.mark.parametrize("page", pages(), ids=named)
def test_a_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in links(page):
        path, _, anchor = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        if not other.exists() or (anchor and anchor not in anchors(other)):
            broken.append(target)

    assert broken == []


def test_every_page_is_linked_from_another() -> None:
    targets = [(page, link.partition("#")[0]) for page in pages() for link in links(page)]
    linked = {(page.parent / path).resolve() for page, path in targets}
    alone = [one for one in pages() if one not in linked and one.parent not in linked]

    assert sorted(one.name for one in alone) == ["AGENTS.md", "CHANGELOG.md", "README.md"]


def test_every_block_says_what_it_is() -> None:
    assert [one.where for one in ALL if one.kind not in KINDS] == []


@pytest.mark.promise("pages-true")
@pytest.mark.parametrize("block", of_kind("toml"))
def test_settings_in_a_page_are_valid(block: Block, tmp_path: Path) -> None:
    (tmp_path / "worker-manager.toml").write_text(block.text, "utf-8")

    assert config.load(tmp_path, {"XDG_CONFIG_HOME": str(tmp_path)}) != config.Settings()


@cache
def tools() -> dict[str, Any]:
    """The parameters of each tool."""
    recorded = json.loads((RECORDS / "orchestrator.json").read_text("utf-8"))
    return {one["name"]: one["inputSchema"] for one in recorded["lists"]["tools/list"]["tools"]}


@pytest.mark.promise("pages-true")
@pytest.mark.parametrize("block", of_kind("python"))
def test_a_call_in_a_page_fits_its_tool(block: Block) -> None:
    for statement in ast.parse(block.text).body:
        assert isinstance(statement, ast.Expr)
        call = statement.value
        assert isinstance(call, ast.Call)
        assert isinstance(call.func, ast.Name)
        schema = tools()[call.func.id]
        given = {one.arg for one in call.keywords}

        assert call.args == []
        assert given <= set(schema["properties"]), block.where
        assert set(schema.get("required", [])) <= given, block.where


#: What a person allows in the settings of Claude Code.
ALL_OF_THEM = "mcp__plugin_worker-manager_crew"


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "skills/split-work/SKILL.md",
        *sorted(named(path) for path in (CHECKOUT / "commands").glob("*.md")),
    ],
)
def test_what_looks_like_a_tool_is_one(page: str) -> None:
    text = (CHECKOUT / page).read_text("utf-8")
    called = set(re.findall(r"\b(\w+_(?:workers?|mail))\b", text.replace(ALL_OF_THEM, "")))

    assert called <= {*tools(), "max_workers"}


def test_the_skill_knows_every_type_of_message_for_an_orchestrator() -> None:
    skill = (CHECKOUT / "skills" / "split-work" / "SKILL.md").read_text("utf-8")
    reference = (CHECKOUT / "docs" / "reference" / "letters.md").read_text("utf-8")
    types = {
        name
        for name, about in re.findall(r"^\| `(\w+)` \| ([^|]*) \|", reference, re.M)
        if not about.startswith(("to a worker", "`worker-manager doctor"))
    }
    rows = re.findall(r"^\| ([a-z, ]+) \|", skill, re.MULTILINE)

    assert {name for row in rows for name in row.split(", ")} - {"letter"} == types


def test_the_glossary_knows_every_status() -> None:
    glossary = (CHECKOUT / "docs" / "glossary.md").read_text("utf-8")

    assert [one.value for one in Status if one.value not in glossary] == []


def source() -> str:
    """All that the program can say, on one line: texts may be put together of several literals."""
    files = sorted((CHECKOUT / "src").rglob("*.py"))
    text = "".join(path.read_text("utf-8") for path in files)
    return re.sub(r'"\s+f?"', "", text)


def test_troubleshooting_quotes_what_the_program_says() -> None:
    page = (CHECKOUT / "docs" / "troubleshooting.md").read_text("utf-8")
    quoted = re.findall(r"“([^”]+)”", page)
    said = source()

    assert len(quoted) > 10
    assert [one for one in quoted if " ".join(one.split()) not in said] == []


def test_troubleshooting_knows_everything_that_the_doctor_looks_at() -> None:
    page = (CHECKOUT / "docs" / "troubleshooting.md").read_text("utf-8")

    assert [one.about for one in CHECKS if f"`{one.about}`" not in page] == []


def test_the_picture_in_the_readme_is_there_or_not_yet_asked_for() -> None:
    readme = (CHECKOUT / "README.md").read_text("utf-8")
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", readme)

    assert [one for one in pictures if not (CHECKOUT / one).exists()] == []


def test_the_manifest_is_what_the_install_commands_name() -> None:
    market = json.loads((CHECKOUT / ".claude-plugin" / "marketplace.json").read_text("utf-8"))
    readme = (CHECKOUT / "README.md").read_text("utf-8")
    (plugin,) = market["plugins"]

    assert f"claude plugin install {plugin['name']}@{market['name']}" in readme
