"""A scripted stand-in for the Anthropic Messages API, for tests with the real Claude Code.

A test names the sessions it expects, scripts what "the model" says in each of them, and then
waits for requests. Only requests of a session's main conversation count: titles, suggestions,
compaction and the like are answered with plain text and kept apart in `MessagesApi.side_requests`.

    api.name_session("boss", first_prompt="^W1")
    api.on("boss", "^W1", call("Bash", command="ls"))
    request = api.wait_for_request("boss", "README")   # the tool's result has reached the model
"""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Self, TypeAlias

from tests.support.claude.messages_server import MessagesServer
from tests.support.claude.replies import OK, Answer, Failure, Json, Reply, say
from tests.support.claude.requests import Request, is_side_query, is_subagent, session_of
from tests.support.waiting import WAIT_SECONDS

#: The name under which subagents are scripted; their requests are side requests.
SUBAGENT = "subagent"
SIDE_REPLY = (
    "<analysis>ok</analysis>\n<summary>ok</summary>"  # compaction asks again without the tags
)

Condition: TypeAlias = str | Callable[[Request], bool]
Script: TypeAlias = Answer | Callable[[Request], Answer]


@dataclass
class Rule:
    """When a request fits the condition, give this answer; only once, unless `repeat`."""

    condition: Condition
    answer: Script
    repeat: bool = False
    used: int = 0

    def fits(self, request: Request) -> bool:
        """Whether this rule answers the request; a regex is tried on each of its latest texts."""
        if self.used and not self.repeat:
            return False
        if isinstance(self.condition, str):
            return any(re.search(self.condition, text) for text in request.latest)
        return self.condition(request)


@dataclass(frozen=True)
class SessionName:
    """How a session is recognised at its first request."""

    name: str
    first_prompt: str | None
    system: str | None

    def fits(self, request: Request) -> bool:
        """Whether the request opens a session of this name."""
        if self.system is not None and not re.search(self.system, request.system):
            return False
        if self.first_prompt is None:
            return True
        # A worker's task comes beside its prompt, in a reminder.
        told = (*request.prompts, *request.latest)
        return any(re.search(self.first_prompt, text) for text in told)


class MessagesApi:
    """The server, its script and its record. Use it as a context manager.

    Wherever a method takes a session, it is a name given by `name_session` or a session id.
    """

    def __init__(self) -> None:
        """Take a free port of the loopback interface."""
        self.side_requests: list[Request] = []
        self.problems: list[BaseException] = []
        self._requests: list[Request] = []
        self._names: list[SessionName] = []
        self._name_of: dict[str, str] = {}
        self._rules: defaultdict[str, list[Rule]] = defaultdict(list)
        self._numbers = count(1)
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._server = MessagesServer(self._respond)

    @property
    def url(self) -> str:
        """The value of ANTHROPIC_BASE_URL."""
        return self._server.url

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()

    # The script

    def name_session(
        self, name: str, *, first_prompt: str | None = None, system: str | None = None
    ) -> None:
        """Call the sessions so whose first request fits both regular expressions. A worker's task
        counts as its prompt.
        """
        self._names.append(SessionName(name, first_prompt, system))

    def name_session_id(self, name: str, session_id: str) -> None:
        """Call this session so, whatever its first request says (for example after /clear)."""
        with self._changed:
            self._name_of[session_id] = name

    def on(
        self, session: str, condition: Condition, answer: Script, *, repeat: bool = False
    ) -> None:
        """Add a rule: the first that fits a request answers it. Without any, the answer is "ok".

        A regular expression is tried on each text after the model's last answer, one by one, so
        `^` keeps it from matching inside a reminder. An answer may be a function of the request.
        """
        with self._changed:
            self._rules[session].append(Rule(condition, answer, repeat))

    def unused_rules(self, session: str) -> list[Rule]:
        """The rules of a session that answered nothing so far."""
        with self._changed:
            return [rule for rule in self._rules[session] if not rule.used]

    # The record

    def requests(self, session: str | None = None) -> list[Request]:
        """The main requests of one session, or of all, in the order of their arrival."""
        with self._changed:
            return [request for request in self._requests if self._belongs(request, session)]

    def session_ids(self, session: str) -> list[str]:
        """The ids a session had, oldest first."""
        return list(dict.fromkeys(request.session_id for request in self.requests(session)))

    def requests_with_new(self, session: str | None, condition: Condition) -> list[Request]:
        """The requests in which something was new to the model; its length is a count."""
        return [r for r in self.requests(session) if _has_new(r, condition)]

    def times_told(self, session: str | None, pattern: str) -> int:
        """How often a text was new to the model, counted also twice within one request."""
        texts = (request.new_text for request in self.requests(session))
        return sum(len(re.findall(pattern, text, re.MULTILINE)) for text in texts)

    def wait_for_request(
        self,
        session: str | None,
        condition: Condition = "",
        seconds: float = WAIT_SECONDS,
        *,
        after: Request | None = None,
    ) -> Request:
        """Wait for a request (of those later than `after`) whose new text fits."""
        deadline = time.monotonic() + seconds
        first = after.number if after else 0
        with self._changed:
            while True:
                self._raise_problem()
                for request in self.requests_with_new(session, condition):
                    if request.number > first:
                        return request
                if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    raise AssertionError(self._nothing_came(session, condition, seconds))

    def describe(self, last: int = 4) -> str:
        """The last few requests of each session and its unused rules, in short."""
        sessions = dict.fromkeys(self._name(request) for request in self.requests())
        lines = [f"{len(self.side_requests)} side queries"]
        for session in dict.fromkeys([*sessions, *self._rules]):
            requests = self.requests(session)
            lines.append(f"{session}: {len(requests)} requests {self.session_ids(session)}")
            lines += [f"  {request}" for request in requests[-last:]]
            lines += [f"  unused rule: {rule.condition!r}" for rule in self.unused_rules(session)]
        return "\n".join(lines)

    # Answering

    def _respond(self, headers: Mapping[str, str], body: Json) -> Answer:
        answer = self._answer(headers, body)
        self._hold(answer)
        return answer

    def _answer(self, headers: Mapping[str, str], body: Json) -> Answer:
        """Record a request and find what the script says to it."""
        with self._changed:
            request = self._request(headers, body)
            if is_side_query(request):
                self.side_requests.append(request)
                names: tuple[str, ...] = (SUBAGENT,) if is_subagent(request) else ()
                otherwise = say(SIDE_REPLY)
            else:
                self._requests.append(request)
                self._give_name(request)
                self._changed.notify_all()
                names, otherwise = (self._name(request), request.session_id), OK
            try:
                return self._scripted(request, names) or otherwise
            except Exception as error:  # noqa: BLE001  (a test's own code: the test shall see it)
                self.problems.append(error)
                return Failure(400, f"the script of the test failed: {error!r}")

    def _hold(self, answer: Answer) -> None:
        """Wait as long as the answer wants, but not beyond the end of the server."""
        self._closed.wait(answer.delay)
        if isinstance(answer, Reply) and answer.until is not None:
            while not (self._closed.is_set() or answer.until.wait(0.05)):
                pass

    def _request(self, headers: Mapping[str, str], body: Json) -> Request:
        session_id = session_of(headers, body)
        earlier = (r for r in reversed(self._requests) if r.session_id == session_id)
        previous = next(earlier, None)
        return Request(next(self._numbers), session_id, time.time(), headers, body, previous)

    def _give_name(self, request: Request) -> None:
        if request.session_id not in self._name_of:
            names = (known.name for known in self._names if known.fits(request))
            self._name_of[request.session_id] = next(names, request.session_id)

    def _scripted(self, request: Request, names: Iterable[str]) -> Answer | None:
        for session in dict.fromkeys(names):
            for rule in self._rules.get(session, ()):
                if rule.fits(request):
                    rule.used += 1
                    return rule.answer(request) if callable(rule.answer) else rule.answer
        return None

    def _name(self, request: Request) -> str:
        return self._name_of.get(request.session_id, request.session_id)

    def _belongs(self, request: Request, session: str | None) -> bool:
        return session in (None, request.session_id, self._name(request))

    def _raise_problem(self) -> None:
        if self.problems:
            raise AssertionError("the script of the test failed") from self.problems[0]

    def _nothing_came(self, session: str | None, condition: Condition, seconds: float) -> str:
        return (
            f"no request of {session or 'any session'} with new text {condition!r}"
            f" within {seconds:g} s.\n{self.describe()}"
        )


def _has_new(request: Request, condition: Condition) -> bool:
    if isinstance(condition, str):
        return re.search(condition, request.new_text, re.MULTILINE) is not None
    return condition(request)
