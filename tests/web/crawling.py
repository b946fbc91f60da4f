"""Somebody who follows every link of the pages, and then submits every form they saw."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx

# What is submitted where a field is required; else what stands in it.
_TYPED = {"date": "2026-11-02", "text": "10.0.0.1", "email": "nobody@acme-partner.se", "number": "1"}
_NOT_FOLLOWED = re.compile(r"^/(?:logout|static|live|api)|\.csv|[?&](?:lang|portal|sort)=")


@dataclass
class _Form:
    method: str
    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
    """(formaction, name, value)"""
    has_file: bool = False


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[_Form] = []
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.links += [given[name] for name in ("href", "hx-get") if name in given and tag != "link"]
        if tag == "form":
            self.forms.append(_Form(given.get("method", "get"), given.get("action", "")))
        if not self.forms:
            return
        form = self.forms[-1]
        if tag == "input" and given.get("type") == "file":
            form.has_file = True
        elif tag == "input" and given.get("name") and not given.get("form"):
            form.fields.append((given["name"], given.get("value") or _TYPED.get(given.get("type", "text"), "")))
        elif tag == "select":
            self._select = given.get("name", "")
        elif tag == "option" and self._select:
            form.fields.append((self._select, given.get("value", "")))
            self._select = ""
        elif tag == "button" and given.get("type") != "button":
            form.buttons.append((given.get("formaction", ""), given.get("name", ""), given.get("value", "")))


def _kind(path: str) -> str:
    """Pages that differ in an id, a domain or what is sought are one; with another question, another."""
    plain = re.sub(r"/\d+", "/N", re.sub(r"/domain/[^/]+", "/domain/D", urlsplit(path).path))
    return "&".join([plain, *sorted(part.partition("=")[0] for part in urlsplit(path).query.split("&"))])


class Crawler:
    """Follows links first, which change nothing; then submits each kind of form once, and goes where that leads."""

    def __init__(self, browser: httpx.Client, *, at_most: int) -> None:
        self._browser = browser
        self._left = at_most
        self._forms: dict[tuple[str, str], tuple[str, _Form, tuple[str, str, str]]] = {}
        self._visited: set[str] = set()

    def pages(self, *starts: str) -> Iterator[tuple[str, httpx.Response]]:
        """Each page, and what it was answered to."""
        waiting, kinds = list(starts), {_kind(one) for one in starts}
        while waiting and self._left:
            path = waiting.pop(0)
            if path in self._visited:
                continue
            self._visited.add(path)
            answer = self._ask("GET", path)
            yield path, answer
            for link in self._read(path, answer):
                if _kind(link) not in kinds:
                    kinds.add(_kind(link))
                    waiting.append(link)

    def submitted(self) -> Iterator[tuple[str, httpx.Response]]:
        """What becomes of each form that was seen, those of dialogs included."""
        done: set[tuple[str, str]] = set()
        while todo := [one for one in self._forms if one not in done]:
            for one in sorted(todo, key=lambda kind: kind[0].endswith("/yes")):
                done.add(one)
                page, form, (_, name, value) = self._forms[one]
                data: dict[str, str | list[str]] = {}
                for key, typed in [*form.fields, (name, value)]:
                    if key:
                        before = data.get(key)
                        data[key] = (
                            typed if before is None or key not in {"domain", "mark"} else [*_listed(before), typed]
                        )
                answer = self._ask("POST", one[0], data=data)
                yield f"POST {one[0]} {name}={value}", answer
                self._read(page, answer)

    def _ask(self, method: str, path: str, **more: object) -> httpx.Response:
        self._left -= 1
        assert self._left >= 0, "pages without an end"
        return self._browser.request(method, path, follow_redirects=True, **more)  # type: ignore[arg-type] # as httpx's

    def _read(self, path: str, answer: httpx.Response) -> list[str]:
        seen = _Seen()
        seen.feed(answer.text)
        for form in seen.forms:
            for button in form.buttons or [("", "", "")]:
                action = unescape(button[0] or form.action)
                if form.method == "post" and not form.has_file and not _NOT_FOLLOWED.search(action):
                    self._forms.setdefault((action, f"{button[1]}={button[2]}"), (path, form, button))
        links = [urljoin(path, link) for link in seen.links]
        return [one for one in links if one.startswith("/") and not _NOT_FOLLOWED.search(one)]


def _listed(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]
