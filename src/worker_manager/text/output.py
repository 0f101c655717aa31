"""Text on its way out of our processes: to a model, a program, a terminal. Names of files, what git
and hooks say, and arguments of calls may hold halves of characters (surrogates), which no strict
reader takes, and which end whoever encodes them.
"""

import sys


def whole(text: str) -> str:
    """Returns the text with `?` in place of each surrogate."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def whole_in(value: object) -> object:
    """Replaces surrogates by `?` in every text of a JSON value."""
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, list | tuple):
        return [whole_in(item) for item in value]
    if isinstance(value, dict):
        return {whole_in(name): whole_in(item) for name, item in value.items()}
    return value


def json_line(value: object) -> str:
    """Returns the value as ASCII JSON, which every locale can write, without a newline. Raises
    ValueError for what JSON has no word for: infinity, no number (nan).
    """
    import json  # a third of what Python itself takes; few hooks come here

    return json.dumps(whole_in(value), allow_nan=False)


def say(text: str, *, is_error: bool = False) -> None:
    """Writes UTF-8 to stdout or stderr, whatever the locale is."""
    stream = sys.stderr if is_error else sys.stdout
    stream.buffer.write(text.encode("utf-8", "replace"))
    stream.flush()


def spare_streams() -> None:
    """Makes stdout and stderr replace characters that they can't encode, in place of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
