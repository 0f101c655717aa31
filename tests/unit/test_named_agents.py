"""What `[agents.NAME]` may say, where it comes from, and what is said of what is wrong."""

import os
from pathlib import Path

import pytest

from worker_manager.config import Settings, load
from worker_manager.crew.lifecycle import choice
from worker_manager.domain.named_agent import RoleFile
from worker_manager.errors import InvalidInput, InvalidSetting


def loaded(tmp_path: Path, shared: str, own: str = "", **environ: str) -> Settings:
    """The settings in force, with these files."""
    user = person_directory(tmp_path)
    user.mkdir(parents=True, exist_ok=True)
    (tmp_path / "worker-manager.toml").write_text(shared, "utf-8")
    (user / "config.toml").write_text(own, "utf-8")
    return load(tmp_path, {"XDG_CONFIG_HOME": str(user.parent), **environ})


def person_directory(project: Path) -> Path:
    """Where the person's own settings are: beside the project."""
    return project.with_name(f"{project.name}-config") / "worker-manager"


def test_the_persons_own_table_wins_key_by_key(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        '[agents.architect]\nmodel = "opus"\nrole = "docs/a.md"\ndirectories = ["../b", "/c"]\n',
        '[agents.architect]\nmodel = "sonnet"\n[agents.mine]\nrole = "One\\nrole.md"\n',
    )

    assert settings.agents["architect"] == {
        "model": "sonnet",
        "role": RoleFile(str(tmp_path), "docs/a.md"),
        "directories": (f"{tmp_path}/../b", "/c"),
    }
    assert settings.agents["mine"] == {"role": "One\nrole.md"}


def test_an_agent_has_what_the_one_that_it_is_like_has(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        'model = "haiku"\n'
        '[agents.a]\nabout = "plans"\nread_only = true\ntools = ["Read"]\nmodel = "opus"\n'
        '[agents.b]\nlike = "a"\nagent = "scripted"\ntools = []\n'
        '[agents.c]\nlike = "b"\nread_only = false\n'
        '[agents.d]\nlike = "scripted"\n',
    )

    program, agent = choice.find(settings, "c")
    assert (program, agent.about, agent.model) == ("scripted", "plans", "opus")
    assert (agent.read_only, agent.tools) == (False, ())
    assert choice.find(settings, "a")[0] == "claude"
    assert choice.find(settings, "d")[0] == "scripted"


def test_who_names_no_program_runs_that_of_the_default_agent(tmp_path: Path) -> None:
    text = '[agents.a]\nabout = "x"\n[agents.b]\nagent = "scripted"\n'
    for default, program in (("claude", "claude"), ("scripted", "scripted"), ("b", "scripted")):
        assert choice.find(loaded(tmp_path, f'agent = "{default}"\n{text}'), "a")[0] == program
    assert choice.find(loaded(tmp_path, f'agent = "a"\n{text}'), "a")[0] == "claude"


@pytest.mark.promise("agent-told")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[agents.a]\nmodle = "x"', "[agents.a]: unknown key 'modle'. The nearest is 'model'."),
        ("[agents.a]\nmodel = 3", "[agents.a]: model is 3; it must be a text."),
        ("[agents.a]\ntools = 3", "[agents.a]: tools is 3; it must be a list of texts"),
        ('[agents.a]\nchecks = [""]', "it must be a list of texts, none of them empty."),
        ('[agents.a]\nread_only = "yes"', "read_only is 'yes'; it must be true or false."),
        ("[agents.a]\nbudget_tokens = true", "budget_tokens is True; it must be a whole number."),
        ("[agents.a]\nbudget_tokens = -1", "budget_tokens is -1; it must be a whole number."),
        ("agents = 3", "agents is 3; write tables: [agents.NAME]."),
        ("agents.a = 3", "agents.a is 3; write a table: [agents.a]."),
        ('[agents."-a"]', "'-a' can't be an agent's name. Take 1 to 40 of a-z, 0-9 and dashes"),
        ('[agents."../a"]', "'../a' can't be an agent's name"),
        ('[agents."a\\u001b"]', "'a\\x1b' can't be an agent's name"),
        (f"[agents.{'a' * 41}]", "can't be an agent's name"),
        ('allowed_programs = ["codex"]', "allowed_programs can't be set for everybody"),
    ],
)
def test_a_wrong_table_names_file_table_key_and_way_out(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(InvalidSetting, match=r"worker-manager\.toml: ") as caught:
        loaded(tmp_path, text)

    assert said in str(caught.value)


def test_a_variable_holds_no_tables(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="the environment: agents is 'a'; write tables"):
        loaded(tmp_path, "", WORKER_MANAGER_AGENTS="a")


@pytest.mark.promise("agent-told")
def test_a_circle_is_shown(tmp_path: Path) -> None:
    shared = '[agents.a]\nlike = "b"\n[agents.b]\nlike = "c"\n'
    with pytest.raises(InvalidSetting, match=r"is like itself: b -> c -> b\. Take `like` out"):
        loaded(tmp_path, shared, '[agents.c]\nlike = "b"\n')


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "architct",
            "",
            "no agent 'architct'. Did you mean architect? Choose one of: a, architect",
        ),
        ("a", '[agents.a]\nlike = "nobdy"', "is like 'nobdy', which is no agent. The nearest is"),
        ("a", '[agents.a]\nagent = "cldue"', "agent is 'cldue', which is no program. Choose one"),
        ("a", '[agents.a]\nagent = "architect"', 'is named by like = "architect".'),
        ("claude", '[agents.claude]\nagent = "scripted"', "is the program claude itself"),
        (
            "a",
            '[agents.a]\nagent = "scripted"\ntools = ["Read"]',
            "Agent a says tools, which scripted can't honour. Of what hangs on the program it can: "
            "model, permission_mode, role, read_only. Correct [agents.a].",
        ),
        ("a", '[agents.a]\ndirectories = ["gone"]', "of agent a is not there"),
        ("a", '[agents.a]\nrole = "gone.md"', "can't be read: [Errno 2]"),
        ("a", '[agents.a]\nrole = "../out.md"', "which leads out of"),
        ("a", '[agents.a]\nrole = "link.md"', "which leads out of"),
        ("a", '[agents.a]\nrole = "circle.md"', "circle.md can't be read: "),
        ("a", '[agents.a]\nrole = "pipe.md"', "is no regular file"),
        ("a", '[agents.a]\nrole = "long.md"', "has 50,001 characters, at most 50,000"),
    ],
)
@pytest.mark.promise("agent-told")
def test_an_agent_that_can_not_be_started_says_what_to_do(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / "out.md").write_text("secret", "utf-8")
    project = tmp_path / "project"
    project.mkdir()
    (project / "link.md").symlink_to(tmp_path / "out.md")
    (project / "circle.md").symlink_to("circle.md")
    (project / "long.md").write_text("x" * 50_001, "utf-8")
    os.mkfifo(project / "pipe.md")
    shared = f'[agents.architect]\nabout = "plans"\n{text or "[agents.a]"}\n'

    with pytest.raises((InvalidInput, InvalidSetting)) as caught:
        choice.choose(loaded(project, shared), name)

    assert said in str(caught.value)


def test_a_role_is_a_text_or_a_file_beside_the_settings_that_name_it(tmp_path: Path) -> None:
    (tmp_path / "role.md").write_text("\ufeffYou plan.\n", "utf-8")
    settings = loaded(tmp_path, '[agents.a]\nrole = "role.md"\n[agents.b]\nrole = "You read."\n')

    assert choice.choose(settings, "a").equipment.role == "You plan."
    assert choice.choose(settings, "b").equipment.role == "You read."


def test_a_person_may_keep_their_roles_elsewhere_and_link_to_them(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    (tmp_path / "dotfiles" / "role.md").write_text("You plan.", "utf-8")
    own = person_directory(tmp_path)
    own.mkdir(parents=True)
    (own / "role.md").symlink_to(tmp_path / "dotfiles" / "role.md")
    settings = loaded(tmp_path, "", '[agents.a]\nrole = "role.md"\n')

    assert choice.choose(settings, "a").equipment.role == "You plan."


def test_what_a_person_names_themselves_they_allow(tmp_path: Path) -> None:
    shared = '[agents.a]\nagent = "codex"\n'
    assert loaded(tmp_path, shared).allowed_programs == ()
    assert loaded(tmp_path, "", shared).allowed_programs == ("codex",)
    assert loaded(tmp_path, "", 'agent = "gemini"').allowed_programs == ("gemini",)
    assert loaded(tmp_path, "", 'allowed_programs = ["codex"]').allowed_programs == ("codex",)


@pytest.mark.promise("agent-allowed")
def test_no_variable_speaks_for_the_person(tmp_path: Path) -> None:
    assert loaded(tmp_path, "", WORKER_MANAGER_AGENT="codex").allowed_programs == ()
    with pytest.raises(InvalidSetting) as caught:
        loaded(tmp_path, "", WORKER_MANAGER_ALLOWED_PROGRAMS="codex")

    own = person_directory(tmp_path) / "config.toml"
    assert f"Write allowed_programs in {own}, or run worker-manager agents" in str(caught.value)


@pytest.mark.promise("agent-allowed")
def test_own_settings_that_lie_in_the_repository_may_be_somebody_elses(tmp_path: Path) -> None:
    project, outside = tmp_path / "repo" / "sub", tmp_path / "outside"
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    project.mkdir()
    for home in (tmp_path / "repo", outside):
        (home / "worker-manager").mkdir(parents=True)
        text = 'agent = "codex"\nallowed_programs = ["gemini"]\n'
        (home / "worker-manager" / "config.toml").write_text(text, "utf-8")
    (tmp_path / "way").symlink_to(tmp_path / "repo")

    for home in (tmp_path / "repo", tmp_path / "way"):
        inside = load(project, {"XDG_CONFIG_HOME": str(home)})
        assert (inside.agent, inside.allowed_programs) == ("codex", ())
    own = load(project, {"XDG_CONFIG_HOME": str(outside)})
    assert own.allowed_programs == ("codex", "gemini")


def test_a_relative_directory_of_settings_is_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path.parent)
    loaded(tmp_path, "", 'agent = "codex"')
    relative = person_directory(Path(tmp_path.name)).parent
    assert load(tmp_path, {"XDG_CONFIG_HOME": str(relative)}) == Settings()
