"""Programs that are known to read, told to write; and what stands inside of double quotes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker_manager.hooks.shell.hidden_writes import has_hidden_write
from worker_manager.hooks.shell.words import substituted
from worker_manager.hooks.shell.writes import written


@pytest.mark.parametrize(
    "command",
    [
        "git -c core.pager=x log",
        "git --exec-path=/x log",
        "git log --output=a",
        "git diff --outp a",
        "git grep -Ovi x",
        "git ls-remote --upload-pack=x .",
        "git diff --ext-diff",
        "sort a -o b",
        "sort -uo b a",
        "sort --output=b a",
        "find . -fprint a",
        "find . -fls a",
        "find . -okdir x ;",
        "tree -o a",
        "xxd -r a",
        "xxd a b",
        "uniq a b",
        "rg --pre x y",
        "sed 'w a' b",
        "sed -n '/x/w a' b",
        "sed s/a/b/w,c d",
        "sed 's|a|b|e' c",
        "sed '/s/w /r/x' a",
        "sed -e p -e '1e x' a",
        "sed -n -f a b",
        "awk '{ print > \"a\" }' b",
        "awk 'BEGIN { system(\"x\") }'",
        "awk '{ print | \"x\" }' b",
        "awk -i inplace 1 a",
        "ls | xargs sort -o a",
    ],
)
def test_a_reader_that_writes_is_seen(command: str) -> None:
    assert has_hidden_write(command, "/repo")


@pytest.mark.parametrize(
    "command",
    [
        "git --no-pager log -c --oneline --exit-code -- a",
        "git -C /repo diff --stat main...HEAD",
        "git ls-files -o --exclude-standard",
        "sort -u -k 2 a | uniq -c",
        "uniq -f 1 a",
        "find . -name o -print0",
        "tree -L 2",
        "xxd -l 16 a",
        "rg --pretty pre a",
        "sed -n 1,20p a",
        "sed -n '/where/,/we/p' a",
        "sed -e 's/we/you/g' a",
        "awk -F '|' '$1 >= 2 || $3 { print $2 }' a",
    ],
)
def test_a_reader_that_reads_is_left_alone(command: str) -> None:
    assert not has_hidden_write(command, "/repo")


@pytest.mark.parametrize(
    ("command", "inner"),
    [
        ('echo "a $(rm x) b `rm y` c"', ["rm x", "rm y"]),
        ("echo \"$(cat a; 'b' $(rm x))\"", ["cat a; 'b' $(rm x)"]),
        (r'''echo "\$(rm x) \`rm y\`" '$(rm z)' "'$(rm q)'"''', ["rm q"]),
        ('echo "$((1 + 2))" "$HOME"', []),
        ('echo "$(rm x', []),
    ],
)
def test_what_is_run_inside_of_double_quotes(command: str, inner: list[str]) -> None:
    assert list(substituted(command)) == inner


def test_backticks_are_looked_into() -> None:
    assert list(written("echo `rm /repo/a` && x=`rm /repo/b`", "/")) == ["/repo/a", "/repo/b"]
    assert list(written(r"echo '`rm /repo/a`' \` rm /repo/b", "/")) == []


@given(st.text(max_size=200), st.sampled_from(["sed", "awk", "git", "echo"]))
def test_no_text_is_too_strange(text: str, program: str) -> None:
    for command in (text, f"{program} '{text}'", f'{program} "$({text}"'):
        assert has_hidden_write(command, "/repo") in (True, False)
        assert all(len(inner) < len(command) for inner in substituted(command))


def test_a_long_script_takes_no_time() -> None:
    assert not has_hidden_write(f"sed 's/{chr(92) * 5000}'", "/repo")
