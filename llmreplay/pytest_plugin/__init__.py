"""The pytest plugin: hooks, options, marker and fixture. Costs nothing where no test asks for it.

It decides when a test's session begins, is judged and ends; `running` does it, and is imported
with the server when the first test needs it.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from llmreplay.errors import LlmreplayError
from llmreplay.pytest_plugin.choosing import MODES, UNUSED, Choice, Defaults, Mark, choose
from llmreplay.pytest_plugin.judging import saved_told, sum_of, totals, totals_told

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from llmreplay.pytest_plugin.running import Case, Servers
    from llmreplay.replay.session import Session

NAME = "llmreplay"
SHARED = "llmreplay_run"

_WORDS = {
    "llmreplay_mode": tuple(MODES),
    "llmreplay_unused": UNUSED,
    "llmreplay_variables": ("test", "run"),
}

_CASE: pytest.StashKey[Case] = pytest.StashKey()
_LAST: pytest.StashKey[Case] = pytest.StashKey()
_COUNTS: pytest.StashKey[dict[str, int]] = pytest.StashKey()
_SAVED: pytest.StashKey[list[dict[str, float]]] = pytest.StashKey()
_SERVERS: pytest.StashKey[Servers] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, and the same as ini settings."""
    group = parser.getgroup(NAME, "llmreplay: LLM APIs from recordings")
    told = "; ".join(f"{word}: {what}" for word, what in MODES.items())
    group.addoption(
        "--llmreplay", dest="llmreplay_mode", choices=tuple(MODES), help=f"{told} (replay)"
    )
    group.addoption(
        "--llmreplay-unused",
        choices=UNUSED,
        help="what becomes of a test that leaves recordings unused (report)",
    )
    parser.addini("llmreplay_mode", "as --llmreplay, for all tests", default="replay")
    parser.addini("llmreplay_unused", "as --llmreplay-unused, for all tests", default="report")
    parser.addini(
        "llmreplay_variables",
        "test: set for each test, which has its own addresses; run: set before tests are imported",
        default="test",
    )
    parser.addini("llmreplay_cassettes", "the folder beside each test's file", default="cassettes")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker; refuse words in the ini file that mean nothing."""
    config.addinivalue_line(
        "markers",
        "llmreplay(*cassettes, mode, unused, fault, when, match, rules, overlays, seed, timing, "
        "after_last): requests to LLM APIs are answered from the test's cassette",
    )
    for name, words in _WORDS.items():
        if config.getini(name) not in words:
            raise pytest.UsageError(f"{name}: none of {', '.join(words)}: {config.getini(name)}")
    hands_on = config.getoption("numprocesses", None) and not hasattr(config, "workerinput")
    if config.getini("llmreplay_variables") == "run" and not hands_on:
        try:
            _servers(config, ()).lead()
        except LlmreplayError as error:
            raise pytest.UsageError(f"llmreplay: {error}") from error


@pytest.fixture
def llmreplay(request: pytest.FixtureRequest) -> Session:
    """This test's session: its addresses, its requests so far, and rules for what is to come."""
    item: pytest.Item = request.node
    if _CASE not in item.stash:
        # It was asked for by `getfixturevalue`, which nobody can see before.
        _begin(item)
    return item.stash[_CASE].session


@pytest.fixture(scope="session")
def llmreplay_run(request: pytest.FixtureRequest) -> Generator[Session, None, None]:
    """The session that all tests have in turn that use this: for what lives longer than one.

    Its addresses and variables are the same for the whole run. What asks there gets the answers
    of the test that runs.
    """
    session = _servers(request.config, request.session.items).share()
    yield session
    session.applications.stop()


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Begin the session before any fixture is set up.

    As the innermost wrapper: the others must have begun, or they cannot end.
    """
    if _is_used(item):
        _begin(item)
    return (yield from _watched(item, "setup"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail the test for a miss, whatever it made of it. The outermost: it sees all failures."""
    result = yield from _watched(item, "call")
    case = item.stash.get(_CASE, None)
    if case is not None:
        case.passed = not _has_failed(item)
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """End the session after the last fixture is torn down."""
    case = item.stash.get(_CASE, None)
    if case is None:
        return (yield)
    try:
        result = yield from _watched(item, "teardown")
    finally:
        item.stash[_LAST] = case
        del item.stash[_CASE]
        complaint, item.stash[_COUNTS] = case.end()
        if complaint:
            item.add_report_section("teardown", NAME, complaint)
    if complaint:
        pytest.fail(complaint, pytrace=False)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what may explain a failure; what is counted goes along, as xdist sends the report."""
    report = yield
    case = item.stash.get(_CASE, None) or item.stash.get(_LAST, None)
    if case is not None and report.failed:
        report.sections += [(f"{one} ({call.when})", text) for one, text in case.printed()]
        if call.when == "call" and (told := case.never_fired()):
            report.sections.append((f"Captured {NAME} call", told))
    counts = item.stash.get(_COUNTS, None)
    if counts is not None and report.when == "teardown":
        report.__dict__[NAME] = counts  # xdist sends all that is in it
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What all tests together asked for, and what became of it."""
    reports = (one for several in terminalreporter.stats.values() for one in several)
    counted = (getattr(report, NAME, None) for report in reports)
    lines = totals_told(totals(counts for counts in counted if counts is not None))
    if lines:
        terminalreporter.section(NAME)
        saved = terminalreporter.config.stash.get(_SAVED, [])
        for line in (*lines, *saved_told(sum_of(saved))):
            terminalreporter.write_line(line)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Note what was saved; a worker of xdist sends it."""
    servers = session.config.stash.get(_SERVERS, None)
    if servers is None:
        return
    with suppress(LlmreplayError):
        saved = servers.saved()
        session.config.stash.setdefault(_SAVED, []).append(saved)
        getattr(session.config, "workeroutput", {})[NAME] = saved


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:  # noqa: ANN401, ARG001  # xdist's
    """A worker has ended: what it has saved counts, too."""
    saved = getattr(node, "workeroutput", {}).get(NAME)
    if saved is not None:
        node.config.stash.setdefault(_SAVED, []).append(saved)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started."""
    servers = config.stash.get(_SERVERS, None)
    if servers is not None:
        servers.stop()


def _watched(item: pytest.Item, when: str) -> Generator[None, Any, Any]:
    """One phase of a test, which fails if there was a miss in it."""
    try:
        try:
            result = yield
        finally:
            if when == "teardown":
                item.stash[_CASE].close()
    except BaseException as error:
        case = item.stash.get(_CASE, None)
        if case is None:
            raise
        case.passed = False
        complaint = case.complaint()
        if complaint and isinstance(error, pytest.skip.Exception):
            # A miss that is taken for a reason to skip is a miss.
            pytest.fail(complaint, pytrace=False)
        if complaint:
            item.add_report_section(when, NAME, complaint)
        raise
    case = item.stash.get(_CASE, None)
    complaint = case.complaint() if case is not None else ""
    if complaint:
        _forget_skip(item)
    if complaint and _has_failed(item):
        item.add_report_section(when, NAME, complaint)
    elif complaint:
        item.stash[_CASE].passed = False
        pytest.fail(complaint, pytrace=False)
    return result


def _has_failed(item: pytest.Item) -> bool:
    """Whether a test of unittest has failed, or is skipped: it raises nothing, but keeps it."""
    return bool(getattr(item, "_excinfo", None))


def _forget_skip(item: pytest.Item) -> None:
    """A miss that a test of unittest takes for a reason to skip is a miss, too."""
    kept = getattr(item, "_excinfo", None) or []
    kept[:] = [one for one in kept if not isinstance(one.value, pytest.skip.Exception)]


def _is_used(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return item.get_closest_marker(NAME) is not None or NAME in fixtures or SHARED in fixtures


def _choice(item: pytest.Item) -> Choice:
    config = item.config
    marks = [Mark(mark.args, mark.kwargs) for mark in item.iter_markers(NAME)]
    return choose(
        marks,
        Defaults(
            mode=config.getoption("llmreplay_mode"),
            unused=config.getoption("llmreplay_unused"),
            ini_mode=config.getini("llmreplay_mode"),
            ini_unused=config.getini("llmreplay_unused"),
        ),
    )


def _begin(item: pytest.Item) -> None:
    try:
        item.stash[_CASE] = _begun(item)
    except LlmreplayError as error:
        wrong = f"llmreplay: {error}"
    else:
        return
    # Not from within, or the report would say it once for each error that led to it.
    pytest.fail(wrong, pytrace=False)


def _begun(item: pytest.Item) -> Case:
    with _plainly(item.config):
        from llmreplay.pytest_plugin.running import Case, Place  # noqa: PLC0415  # see the module

    classes = [node.name for node in item.listchain() if isinstance(node, pytest.Class)]
    place = Place(item.nodeid, item.path, classes, item.name)
    folder = item.config.getini("llmreplay_cassettes")
    shares = SHARED in getattr(item, "fixturenames", ())
    servers = _servers(item.config, item.session.items)
    return Case(servers, _choice(item), place, folder, shares=shares)


def _mode(item: pytest.Item) -> str | None:
    """What the test is to run in; None if it does not use this, or its marker is wrong."""
    with suppress(LlmreplayError):  # which its own report says
        return _choice(item).mode if _is_used(item) else None
    return None


def _servers(config: pytest.Config, items: Sequence[pytest.Item]) -> Servers:
    """This worker's servers. They reach out only if a test is to: replay has no way out."""
    with _plainly(config):
        from llmreplay.pytest_plugin.running import Servers  # noqa: PLC0415  # see the module

    servers = config.stash.get(_SERVERS, None)
    if servers is None:
        said = config.getoption("llmreplay_mode") or config.getini("llmreplay_mode")
        modes = {said, *(mode for one in items if (mode := _mode(one)))}
        servers = Servers(config.rootpath, mode=said, reaches_out=modes != {"replay"})
        config.stash[_SERVERS] = servers
    return servers


@contextmanager
def _plainly(config: pytest.Config) -> Generator[None, None, None]:
    """Import as everywhere else.

    pytest compiles anew whatever is installed with a plugin, for its asserts. That takes longer
    than all the rest of a start, and is not kept where no bytecode is written.
    """
    hook = getattr(config.pluginmanager, "rewrite_hook", None)
    if hook not in sys.meta_path:
        yield
        return
    place = sys.meta_path.index(hook)
    sys.meta_path.remove(hook)
    try:
        yield
    finally:
        sys.meta_path.insert(place, hook)
