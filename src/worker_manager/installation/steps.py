"""Which packages come when: what all but the live view need first, the rest at its first use."""

FIRST, WATCH, WEB = "first", "watch", "web"

#: Each package of requirements.lock stands once, in the first step that needs it.
PACKAGES = {
    FIRST: (
        "anyio",
        "click",
        "filelock",
        "idna",
        "psutil",
        "typing-extensions",
    ),
    WATCH: (
        "linkify-it-py",
        "markdown-it-py",
        "mdit-py-plugins",
        "mdurl",
        "platformdirs",
        "pygments",
        "rich",
        "textual",
    ),
    WEB: (
        "aiohappyeyeballs",
        "aiohttp",
        "aiohttp-jinja2",
        "aiosignal",
        "attrs",
        "frozenlist",
        "jinja2",
        "markupsafe",
        "multidict",
        "propcache",
        "textual-serve",
        "yarl",
    ),
}


def requirements(step: str, lock: str) -> list[str]:
    """The entries of a lock file that a step installs, each with its hashes below it."""
    entries: list[str] = []
    for line in lock.splitlines():
        if line[:1].isalnum():
            entries.append(line)
        elif entries:
            entries[-1] += f"\n{line}"
    return [entry for entry in entries if entry.partition("==")[0].strip() in PACKAGES[step]]
