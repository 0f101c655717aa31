"""Tokens and cost from a transcript."""

import json
from pathlib import Path

import pytest

from worker_manager.agents.base import Usage
from worker_manager.agents.claude import prices
from worker_manager.agents.claude.prices import Tokens
from worker_manager.agents.claude.usage import Meter, bytes_written
from worker_manager.errors import InvalidSetting

OPUS = "claude-opus-4-5-20251101"


def line(message_id: str, read: int, written: int, cached: int = 0, model: str = OPUS) -> str:
    usage = {"input_tokens": read, "output_tokens": written, "cache_read_input_tokens": cached}
    message = {"id": message_id, "usage": usage, "model": model}
    return json.dumps({"type": "assistant", "message": message}) + "\n"


@pytest.fixture
def meter() -> Meter:
    return Meter(prices.load(""))


@pytest.mark.promise("cost")
def test_each_message_counts_once_and_only_what_is_new_is_read(
    tmp_path: Path, meter: Meter
) -> None:
    transcript = tmp_path / "t.jsonl"
    transcript.write_text(line("a", 10, 1) + line("a", 10, 5) + "no json\n", "utf-8")

    used = meter.usage(str(transcript))
    assert used is not None
    assert used[:4] == (10, 5, 15, 15)

    with transcript.open("a", encoding="utf-8") as file:
        file.write(line("b", 20, 7, cached=100) + line("c", 1, 1)[:-1])
    used = meter.usage(str(transcript))
    assert used is not None
    assert used[:4] == (130, 12, 42, 127)
    assert used.cost == pytest.approx((30 * 5 + 100 * 0.5 + 12 * 25) / 1_000_000)

    with transcript.open("a", encoding="utf-8") as file:
        file.write("\n")
    used = meter.usage(str(transcript))
    assert used is not None
    assert used[:4] == (131, 13, 44, 2)


@pytest.mark.promise("cost")
def test_subagents_count_too_and_a_model_without_a_price_has_no_cost(
    tmp_path: Path, meter: Meter
) -> None:
    transcript = tmp_path / "t.jsonl"
    transcript.write_text(line("a", 10, 5), "utf-8")
    (tmp_path / "t" / "subagents").mkdir(parents=True)
    (tmp_path / "t" / "subagents" / "agent-1.jsonl").write_text(
        line("s", 100, 50, model="claude-new-9"), "utf-8"
    )

    assert meter.usage(str(transcript)) == Usage(110, 55, 165, 15, None)


@pytest.mark.promise("cost")
def test_agents_of_a_workflow_count_too_and_each_message_once(tmp_path: Path, meter: Meter) -> None:
    transcript = tmp_path / "t.jsonl"
    transcript.write_text(line("a", 10, 5), "utf-8")
    below = tmp_path / "t" / "subagents" / "workflows" / "wf_1"
    (below / "more").mkdir(parents=True)
    (below.parents[1] / "agent-a.jsonl").write_text(line("s", 100, 50), "utf-8")
    (below / "agent-b.jsonl").write_text(line("w", 1000, 500), "utf-8")
    (below / "more" / "agent-c.jsonl").write_text(line("w", 1000, 500), "utf-8")
    (below / "journal.jsonl").write_text(line("j", 7, 7), "utf-8")

    used = meter.usage(str(transcript))
    assert used is not None
    assert used[:4] == (1110, 555, 1665, 15)
    before = bytes_written(str(transcript))

    with (below / "agent-b.jsonl").open("a", encoding="utf-8") as file:
        file.write(line("x", 1, 1))
    used = meter.usage(str(transcript))
    assert used is not None
    assert used[:2] == (1111, 556)
    assert bytes_written(str(transcript)) > before


def test_without_a_transcript_nothing_is_known(tmp_path: Path, meter: Meter) -> None:
    assert meter.usage(str(tmp_path / "none")) is None


@pytest.mark.parametrize(
    "model",
    [
        "claude-sonnet-4-20250514",
        "claude-sonnet-4-5",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "claude-sonnet-4-6[1m]",
    ],
)
def test_a_model_is_known_by_its_name_however_it_is_written(model: str) -> None:
    assert prices.load("").cost(model, Tokens(1_000_000, 0, 0, 0, 0)) == 3.0


def test_a_price_may_depend_on_the_prompt() -> None:
    shipped = prices.load("")

    assert shipped.cost("claude-haiku-5-5", Tokens(100_000, 0, 0, 0, 0)) == pytest.approx(0.01)
    assert shipped.cost("claude-haiku-5-5", Tokens(0, 0, 0, 100_001, 0)) == pytest.approx(
        0.005, rel=1e-3
    )


def test_each_kind_of_token_has_its_price(tmp_path: Path) -> None:
    own = tmp_path / "prices.toml"
    kinds = enumerate(Tokens._fields, start=1)
    lines = ["[[price]]", 'models = ["m"]', *(f"{kind} = {dollars}" for dollars, kind in kinds)]
    own.write_text("\n".join(lines), "utf-8")

    for position, dollars in enumerate((1, 2, 3, 4, 5)):
        counts = [0, 0, 0, 0, 0]
        counts[position] = 1_000_000
        assert prices.load(str(own)).cost("m", Tokens(*counts)) == dollars


@pytest.mark.parametrize("text", ["", "price = 3", "[[price]]\nmodels = ['m']", "?"])
def test_what_is_no_price_list_is_named(tmp_path: Path, text: str) -> None:
    wrong = tmp_path / "prices.toml"
    wrong.write_text(text, "utf-8")

    with pytest.raises(InvalidSetting, match=str(wrong)):
        prices.load(str(wrong))
