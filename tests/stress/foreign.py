"""The whole of `tests/foreign`: every row with every life, and many compositions."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from tests.foreign.life import Impossible, live
from tests.foreign.rows import LIVES, Row
from tests.foreign.table import ROWS, compositions
from tests.stress.tally import Tally


def foreign(folder: Path, socket: str, *, every: int = 1, examples: int = 300) -> Tally:
    """Each `every`th life of the table, so many compositions. What should hold and doesn't is
    `unaccounted`, and printed; so is a life that is known to fail and doesn't.
    """
    tally = Tally()
    every_life = [(row, life) for row in ROWS if row.needs() for life in LIVES]
    for row, life in every_life[::every]:
        wrong = _lived(row, life, folder, socket)
        if bool(wrong) is not bool(row.fault(life)):
            tally.unaccounted += 1
            _tell(row, life, wrong or f"holds: {row.fault(life)} is mended")
    tally.unaccounted += _composed(folder, socket, examples)
    return tally


def _lived(row: Row, life: str, folder: Path, socket: str) -> str:
    """What was wrong."""
    with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as place:
        try:
            live(row, life, Path(place).resolve(), socket)
        except Exception as error:  # noqa: BLE001  whatever it is, it is told
            return f"{type(error).__name__}: {error}"
    return ""


def _composed(folder: Path, socket: str, examples: int) -> int:
    """The number of smallest compositions that fail."""
    lived: Counter[str] = Counter()

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )
    @given(compositions(), st.sampled_from(LIVES))
    def all_at_once(row: Row, life: str) -> None:
        with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as place:
            try:
                live(row, life, Path(place).resolve(), socket, must_refuse=False)
                lived["lived"] += 1
            except Impossible:
                lived["impossible"] += 1
                reject()
            except Exception as error:
                _tell(row, life, f"{type(error).__name__}: {error}")
                raise

    try:
        all_at_once()
    except Exception:  # noqa: BLE001  told above, the smallest one last
        return 1
    finally:
        sys.stdout.write(f"compositions: {dict(lived)}\n")
    return 0


def _tell(row: Row, life: str, text: str) -> None:
    sys.stdout.write(f"{row.name} - {life}\n  {text}\n")
    sys.stdout.flush()
