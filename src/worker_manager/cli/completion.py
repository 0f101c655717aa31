"""What a shell is told at a Tab, without click where that is certain to say the same: names of
commands, their options, ids and names of workers. Loads no more than the records' reader.
"""

from __future__ import annotations

from _collections_abc import Iterator, Mapping

from worker_manager.cli.recorded_options import OPTIONS, WORKERS, Option
from worker_manager.cli.registry import COMMANDS
from worker_manager.domain.identifiers import COMPLETING
from worker_manager.text.output import say

#: The shell splits words by these in its own way: then click reads the line.
_QUOTES = frozenset("'\"\\")


#: A word that could stand at the cursor, and what it means.
Word = tuple[str, str]


def answer(environ: Mapping[str, str]) -> bool:
    """Whether it was answered here: prints a line for each word, as click's script of that shell
    reads it.
    """
    shell, _, instruction = environ[COMPLETING].partition("_")
    line, cursor = environ.get("COMP_WORDS", ""), environ.get("COMP_CWORD", "")
    if instruction != "complete" or shell not in _FORMS or not _QUOTES.isdisjoint(line):
        return False
    typed = line.split()[1:]
    if shell == "fish":  # says the word itself, which the line ends with
        incomplete = cursor.strip()
        before = typed[:-1] if incomplete and typed[-1:] == [incomplete] else typed
    else:
        place = int(cursor) - 1 if cursor.isdigit() else 0
        before, incomplete = typed[:place], "".join(typed[place : place + 1])
    words = _words(before, incomplete)
    if words is None:
        return False
    say("".join(f"{_FORMS[shell](*word)}\n" for word in words))
    return True


def workers(incomplete: str) -> list[Word]:
    """Ids and names of workers here that begin so: names once something of one is typed."""
    from worker_manager.cli import targets
    from worker_manager.state.layout import repository_directory, state_root
    from worker_manager.state.workers.summaries import summaries
    from worker_manager.text import rendering

    listed = summaries(repository_directory(state_root(), targets.directory()))
    return [
        (word, f"{status}, {rendering.one_line(title)}")
        for worker_id, name, status, title in listed
        for word in (worker_id, name)
        if word.startswith(incomplete) and (incomplete or word == worker_id)
    ]


def _words(before: list[str], incomplete: str) -> list[Word] | None:
    """None: that is for click."""
    if not before:
        return None if incomplete.startswith("-") else _commands(incomplete)
    options = OPTIONS.get(before[0])
    if options is None:
        return None
    flags = {name for names, is_flag, _ in options if is_flag for name in names}
    given = [word for word in before[1:] if word not in flags]
    if any(word.startswith("-") for word in given):
        return None
    if incomplete.startswith("-"):
        return list(_options(options, before, incomplete)) if "=" not in incomplete else None
    room = WORKERS.get(before[0], 0)  # of workers; any number where it is negative
    return workers(incomplete) if room < 0 or len(given) < room else None


def _commands(incomplete: str) -> list[Word]:
    return [(name, one.summary) for name, one in COMMANDS.items() if name.startswith(incomplete)]


def _options(options: tuple[Option, ...], before: list[str], incomplete: str) -> Iterator[Word]:
    for names, _, meaning in options:
        if not any(name in before for name in names):
            yield from ((name, meaning) for name in names if name.startswith(incomplete))


def _for_bash(word: str, _: str) -> str:
    return f"plain,{word}"


def _for_zsh(word: str, meaning: str) -> str:
    # It parts the two at the first colon.
    text = word.replace(":", r"\:") if meaning else word
    return f"plain\n{text}\n{meaning or '_'}"


def _for_fish(word: str, meaning: str) -> str:
    return f"plain,{word}\t{meaning}" if meaning else f"plain,{word}"


_FORMS = {"bash": _for_bash, "zsh": _for_zsh, "fish": _for_fish}
