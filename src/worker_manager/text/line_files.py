"""Files that grow by whole lines: transcripts, journals. Some lines are long, the last one may be
half written.
"""

import os
from typing import BinaryIO

#: A longer line is only named: what is said or called is short, what a tool gave may be anything.
LINE_LIMIT = 1_000_000


def last_part(path: str, size: int) -> int:
    """The offset of the first line that begins within the last `size` bytes; of an earlier one
    when none does. Raises OSError.
    """
    with open(path, "rb") as file:
        end = file.seek(0, os.SEEK_END)
        while size < end:
            file.seek(end - size - 1)
            skip_line(file)
            if file.tell() < end:
                return file.tell()
            size *= 8
    return 0


def is_line_start(path: str, offset: int) -> bool:
    """Whether a line begins, or will begin, at this offset. Raises OSError."""
    with open(path, "rb") as file:
        if offset == 0:
            return True
        file.seek(offset - 1)
        return file.read(1) == b"\n"


def skip_line(file: BinaryIO) -> bool:
    """To the end of the line; False when it has none yet."""
    while line := file.readline(LINE_LIMIT):
        if line.endswith(b"\n"):
            return True
    return False
