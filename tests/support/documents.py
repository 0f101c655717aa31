"""The pages that people read: their blocks, their links, their headings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.conftest import CHECKOUT

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
#: A number, an id, a time: another one each time.
_VARIES = re.compile(r"[0-9a-f]{8,40}|\d+(?:\.\d+)*")


class Block(NamedTuple):
    """A fenced block; `kind` is the language it names."""

    page: Path
    line: int
    kind: str
    text: str

    @property
    def where(self) -> str:
        """For a failed test."""
        return f"{self.page.relative_to(CHECKOUT)}:{self.line}"


def pages() -> list[Path]:
    """All that is written by hand or made for people; the model's texts are not among them."""
    found = [*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md")]
    return sorted(found)


def blocks(page: Path) -> list[Block]:
    """Those of a page, in their order."""
    text = page.read_text("utf-8")
    return [
        Block(page, text.count("\n", 0, found.start()) + 1, found[1], found[2])
        for found in _FENCE.finditer(text)
    ]


def lines(block: Block, names: Mapping[str, str]) -> list[str]:
    """The commands, with values for the names in capitals, without comments."""
    text = block.text
    for name, value in names.items():
        text = re.sub(rf"\b{name}\b", value, text)
    commands = [line.partition("  #")[0].strip() for line in text.splitlines()]
    return [command for command in commands if command and not command.startswith("#")]


def links(page: Path) -> Iterator[str]:
    """The targets of a page's links, those to other sites left out."""
    for target in _LINK.findall(_FENCE.sub("", page.read_text("utf-8"))):
        if "://" not in target:
            yield target


def anchors(page: Path) -> set[str]:
    """What one may write behind `#` to get to a heading, as GitHub makes it."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(text))
    return {heading.strip().replace(" ", "-") for heading in words}


def shows(sample: str, said: str) -> list[str]:
    """The lines of a sample that did not come in an output, in this order. Numbers and ids may be
    others; `...` stands for whatever comes between.
    """
    lines, missing = iter(said.splitlines()), []
    for wanted in sample.splitlines():
        if wanted.strip() in ("", "..."):
            continue
        pattern = re.compile(_pattern(wanted))
        if not any(pattern.fullmatch(line.rstrip()) for line in lines):
            missing.append(wanted)
            lines = iter(said.splitlines())
    return missing


def _pattern(line: str) -> str:
    """With any number for a number, any space for spaces, anything for `...`."""
    parts = []
    for part in re.split(r"(\.\.\.|\s+)", line.rstrip()):
        if part == "...":
            parts.append(".*")
        elif part.isspace():
            parts.append(r"\s+")
        else:
            parts.append(_VARIES.sub("@", part).join(("", "")))
    return "".join(_escaped(part) for part in parts)


def _escaped(part: str) -> str:
    if part in (".*", r"\s+"):
        return part
    return re.escape(part).replace("@", r"[0-9a-f.]+")
