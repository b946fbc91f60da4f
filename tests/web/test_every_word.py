"""No word of ours stays English for a reader of another language: every page in every state, in a language of marks.

A text that no catalogue has stands outside of the marks. So this finds new ones by itself, on new pages, too: whatever
a link or a form leads to is looked at.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import pytest

import syncworker
from support.sandbox_server import SandboxServer
from syncworker import languages
from syncworker.access.roles import Role
from syncworker.hubspot.option_words import ACTIONS, CONFIRMATIONS, REASONS, SOURCES, STATUSES
from syncworker.hubspot.properties import PropertyNames, definitions
from syncworker.registration.ledger.requests import State
from syncworker.registration.rules.terms import HoldKind, Reason
from syncworker.store import portals
from syncworker.store.portals import Mode
from syncworker.sync.context import Context
from syncworker.sync.lists import crm_words
from syncworker.sync.lists.kept_words import kept_words
from syncworker.sync.notices import terms, words
from syncworker.sync.portals.failures import Blocked
from syncworker.sync.portals.hold_import import COLUMNS
from syncworker.web.pages import rendering
from web import every_state
from web.crawling import Crawler
from web.deployment import HUB, Deployment, settings
from web.marked import CODE, Marked, untranslated
from web.signed_in import Browser

As = Callable[..., Browser]
SOURCE = Path(syncworker.__file__).parent
HTMX = {"hx-request": "true", "hx-target": "dialog"}
STARTS = ("/capacity", "/leads/to-confirm", "/leads/unresolved", "/leads/domain/granvik.se?compare=1", "/operations",
          "/leads/domain/unheard-of.se", "/operations/marks?due=1", "/capacity?q=ΟΥΔΕΝ", "/leads/invalid?q=ΟΥΔΕΝ",
          "/operations/holds?q=ΟΥΔΕΝ", "/operations/forms", "/operations/forms/form0/trial")  # fmt: skip


@pytest.fixture(scope="module")
def hubspot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    """A HubSpot that knows neither the portal nor its token, and says so at once."""
    with SandboxServer(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
def context(database_url: str, redis_url: str, hubspot: SandboxServer) -> Iterator[Context]:
    made = Context(settings(database_url, redis_url, hubspot_base_url=hubspot.base_url), pool_size=2)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def marked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Marked]:
    """The language is there, beside those that there are."""
    language = Marked()
    known = languages.languages()
    assert isinstance(known, dict)
    monkeypatch.setitem(known, CODE, language)
    yield language
    rendering.environment.cache_clear()


def causes() -> list[str]:
    """Every cause for which the source marks a record, with 1 where it fills something in."""
    found = set()
    for path in (SOURCE / "sync").rglob("*.py"):
        if path.parent.name == "notices":
            # A notice's cause is its key.
            continue
        tree = ast.parse(path.read_text("utf-8"))
        named: dict[str, set[str]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                named.setdefault(node.targets[0].id, set()).update(_texts(node.value))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "INSERT INTO marks" in node.value:
                # Its priority stands before it.
                found |= set(re.findall(r"\b[0-3], '([^']+)'", node.value))
            if isinstance(node, ast.keyword) and node.arg == "cause":
                found |= named.get(node.value.id, set()) if isinstance(node.value, ast.Name) else _texts(node.value)
    return sorted(found)


def _texts(node: ast.expr) -> set[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, ast.JoinedStr):
        return {"".join(part.value if isinstance(part, ast.Constant) else "1" for part in node.values)}
    if isinstance(node, ast.IfExp):
        return _texts(node.body) | _texts(node.orelse)
    return set()


def say(browser: Browser) -> Browser:
    """In the language of marks."""
    browser.cookies.set("syncworker_lang", CODE)
    return browser


def test_no_page_in_any_state_has_a_word_that_is_not_translated(as_: As, deployment: Deployment) -> None:
    every_state.fill(deployment, causes())
    anna = say(as_(Role.OPERATOR))
    crawler = Crawler(anna, at_most=400)
    left: dict[str, set[str]] = {}
    seen = 0
    for path, answer in [*crawler.pages(*STARTS), *crawler.submitted()]:
        seen += 1
        assert answer.status_code < 500 or answer.status_code == 503, path
        if "text/html" in answer.headers.get("content-type", "") and (found := untranslated(answer.text)):
            left[path] = found
    # What was done above is told there
    told = {
        path: untranslated(anna.get(path).text) for path in ("/operations/history", "/operations", "/operations/holds")
    }
    assert {path: found for path, found in [*left.items(), *told.items()] if found} == {}
    # Each list, each tab, their dialogs and what comes of them
    assert seen > 60


def test_nor_has_a_page_that_says_what_cannot_be_done(as_: As, deployment: Deployment) -> None:
    operator, viewer, stranger = say(as_(Role.OPERATOR)), say(as_(Role.VIEWER)), say(as_())
    key, over = "0" * 32, deployment.asked("7", state=State.WITHDRAWN)
    answers = [
        stranger.get("/login"),
        stranger.submit("/login", on="/login", email="x", password="y"),
        stranger.get("/in/nonsense", follow_redirects=True),
        operator.get("/nothing-here"),
        operator.get("/capacity/deregister"),
        operator.get(f"/capacity?portal={HUB + 5}"),
        operator.post("/capacity/deregister", data={"domain": "a.se"}),
        viewer.submit("/capacity/deregister", domain="a.se"),
        viewer.get("/operations"),
        operator.submit("/capacity/deregister/yes", key="x"),
        operator.submit("/operations/holds", domain="a.se", kind="nonsense", note="x" * 501),
        operator.submit(f"/leads/pending/{over}/exchange/yes", domain="a.se"),
        operator.submit(f"/leads/requests/{over}/withdraw"),
        operator.submit("/leads/deregistrations/1/confirm/yes"),
        operator.submit("/leads/domain/a.se/undo"),
        operator.submit("/leads/domain/a.se/renewal", renew="1"),
        operator.submit("/leads/requests/1/again", key=key),
        operator.get("/jobs/999", headers=HTMX),
    ]
    left = {str(answer.request.url): untranslated(answer.text) for answer in answers if untranslated(answer.text)}
    assert left == {}
    assert {answer.status_code for answer in answers} >= {200, 401, 403, 404, 405, 409, 422}


@pytest.mark.parametrize("reason", [*Blocked, "paused", "observed", "full", "tier", "restored"])
def test_nor_has_a_portal_however_it_stands(as_: As, deployment: Deployment, reason: str) -> None:
    with deployment.database.transaction() as tx:
        of = "UPDATE portals SET "
        if reason in set(Blocked):
            portals.block(tx, HUB, until=tx.now.replace(year=2999), reason=reason, detail="HubSpot answered 401")
        elif reason == "paused":
            portals.pause(tx, HUB, who="cli:Μαρτα", reason="Λογος")
        elif reason == "observed":
            tx.connection.exec_driver_sql(f"{of} mode = '{Mode.OBSERVE.value}'")
        elif reason in {"full", "tier"}:
            limit, tier = ("0", "gold") if reason == "full" else ("NULL", "elite")
            tx.connection.exec_driver_sql(f"UPDATE partners SET capacity = {limit}, tier = '{tier}'")
        else:
            tx.connection.exec_driver_sql(f"{of} restored_from = now()")
    operator = say(as_(Role.OPERATOR))
    pages = [operator.get(path) for path in ("/capacity", "/operations", "/leads/registered", "/operations/resyncs")]
    pages.append(operator.submit("/operations/unpause", on="/operations"))
    assert {path: found for page in pages for path in [str(page.url)] if (found := untranslated(page.text))} == {}


def test_a_file_of_holds_says_in_words_what_is_wrong_with_it(as_: As, deployment: Deployment) -> None:
    operator = say(as_(Role.OPERATOR))
    rows = ["10.0.0.1", "a@b.se", "acme", "x.example", "wordpress.com", "gmail.com", "a.nosuchtld", "co.uk", "mailto:x",
            "", "-.se", "alfa.se", "alfa.se"]  # fmt: skip
    data = sorted([*rows, *HoldKind, "nosuchtld", "mailto"], key=len, reverse=True)
    good = "domain,kind,note\n" + "".join(f"{row},existing_customer,\n" for row in rows) + "beta.se,nonsense,\n"
    for content in (good.encode(), b"a,b\n1,2\n", "domän;kind\n".encode("utf-16")):
        token = {"csrf": operator.token("/operations/holds")}
        page = operator.post("/operations/holds/import", data=token, files={"file": ("Λ.csv", content)}).text
        assert untranslated(page, data=[*data, *COLUMNS, "csv"]) == set()
        assert "<q" not in page


def test_every_cause_for_which_a_record_is_looked_at_has_words() -> None:
    assert len(causes()) > 30
    assert [cause for cause in causes() if kept_words(cause) is None] == []


def test_what_is_no_sentence_of_ours_has_none() -> None:
    for text in ("HubSpot answered 400 to PATCH /x: Property values were not valid", "", "Nonsense", "x" * 5000):
        assert kept_words(text) is None


def test_a_kept_sentence_is_told_with_all_that_it_says() -> None:
    swedish = languages.language("sv")
    [cause] = [found for found in [kept_words("asked by crm")] if found]
    assert swedish.say(cause) == "begärd av en CRM-användare"
    assert str(kept_words("resync 17")) == "resync 17"
    assert str(kept_words("changed since 2026-05-01T00:00:00+00:00")).startswith("changed since May 1, 2026")


def test_properties_are_called_in_words_as_the_crm_calls_them() -> None:
    """The labels are said twice: to HubSpot, and here for whoever translates."""
    names = PropertyNames()
    defined = definitions(names, tiers=["gold"], hubspot_is_authority=True)
    labels = {one.name: one.label for kind in defined.values() for one in kind}
    assert {getattr(names, field.name): crm_words.LABELS[field.name] for field in fields(names)} == labels
    ours = {"status": STATUSES, "reason": REASONS, "source": SOURCES, "confirmed": CONFIRMATIONS, "request": ACTIONS}
    for field, options in ours.items():
        for option in options:
            said = crm_words.value(names, getattr(names, field), option.value)
            assert str(said) == option.label, option
    assert crm_words.value(names, names.expires_on, "soon") == "soon"
    assert crm_words.label(names, "somebody_elses") is None


def test_no_notice_has_a_word_that_is_not_translated(marked: Marked) -> None:
    items = [
        {"contact_id": "7", "status": "invalid_data", "reason": reason} for reason in Reason if reason in terms.REASONS
    ]
    items += [{"domain": "a.se", "status": "unavailable", "reason": kind} for kind in HoldKind]
    parked = [{"kind": kind, "id": "8", "section": section} for kind in terms.RECORDS for section in terms.PARKED]
    told = {
        words.NoticeKind.REFUSED: [{"count": 90, "items": items}],
        words.NoticeKind.PARKED: [{"count": 90, "items": parked}],
        words.NoticeKind.BLOCKED: [{"reason": reason} for reason in terms.BLOCKS],
        words.NoticeKind.EXPIRING: [{"days": 7, "count": 9, "items": [{"domain": "a.se", "expires_on": "2027-04-02"}]}],
        words.NoticeKind.HAND_EDITS: [{"count": 2, "items": [{"company_id": "8"}, {"domain": "a.se"}]}],
        words.NoticeKind.CAPACITY: [{"percent": of, "used": of, "limit": 100, "waiting": 3} for of in (90, 100)],
        words.NoticeKind.TEST: [{}],
        words.NoticeKind.DIGEST: [
            {"registered": 1, "pending": 1, "refused": 2, "renewed": 1, "expired": 1, "deregistered": 1, "used": 9,
             "limit": 10, "waiting": 1, "parked": 1, "expiring": 3, "confirming": 1, "mode": mode, "blocked": "brake"}
            for mode in terms.MODES
        ],
    }  # fmt: skip
    assert set(told) == set(words.NoticeKind)
    for kind, all_facts in told.items():
        for facts in all_facts:
            message = words.message(kind, facts, hub_id=HUB, portal="Acme", language=marked)
            said = "\n".join([message.subject, *message.lines])
            assert untranslated(re.sub("[<>]", " ", said)) == set(), kind
