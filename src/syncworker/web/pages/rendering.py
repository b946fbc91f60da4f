"""How does a template become the answer to a request?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.routing import NoMatchFound

from syncworker import languages
from syncworker.access.roles import Role
from syncworker.languages import Language
from syncworker.registration.rules.readable import readable
from syncworker.sync.lists import history_words
from syncworker.sync.lists.kept_words import kept_words
from syncworker.sync.watch import runbook
from syncworker.web import static_files
from syncworker.web.pages import listening, named_portal, rail
from syncworker.web.recognising import Reader
from syncworker.web.security_headers import unkept

RUNBOOK = "/runbook"
FOLDER = Path(__file__).parent.parent / "templates"


@cache
def environment(code: str) -> Environment:
    """The templates in a language. One each: a template is compiled with the words it is rendered with."""
    language = languages.language(code)
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        # A name that is not there is a mistake of ours, and never an empty place.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    # The extension adds this method, which no type knows of.
    made.install_gettext_translations(language.catalogue, newstyle=True)  # type: ignore[attr-defined]
    made.globals["static"] = static_files.address
    made.globals["kept"] = kept_words
    made.filters |= _filters(language)
    return made


def page(request: Request, reader: Reader, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """A whole page, or the part of it that the template is."""
    shown = environment(reader.language.code).get_template(template)
    html = named_portal.named(shown.render(**_always(request, reader), **values), reader)
    return unkept(HTMLResponse(html, status_code=status))


def with_query(request: Request, **changed: object) -> str:
    """The address of this page with other values in its query; None takes one out."""
    return address(request.url.path, {**request.query_params, **changed})


def path_of(request: Request, page_name: str, **values: str) -> str | None:
    """Where the page is whose function has that name; None where there is none (yet), so that nothing leads to it.

    A name that no call of the API has, such as `one_lead`.
    """
    try:
        return str(request.app.url_path_for(page_name, **values))
    except NoMatchFound:
        return None


def lead_path(request: Request) -> str | None:
    """What stands before a domain in the address of its page."""
    path = path_of(request, "one_lead", domain="d")
    return path.removesuffix("d") if path else None


def register_path(request: Request, reader: Reader) -> str | None:
    """Where leads are registered, for those who may."""
    return path_of(request, "register_page") if reader.may(Role.MANAGER) else None


def told(reader: Reader, sentence: str) -> str:
    """A sentence of ours that was raised in English, as the reader says it; any other as it is."""
    words = kept_words(sentence)
    return reader.language.say(words) if words else sentence


def address(path: str, query: Mapping[str, object]) -> str:
    """A path and its query, without what is empty."""
    kept = {name: str(value) for name, value in query.items() if value not in (None, "")}
    return path + (f"?{urlencode(kept)}" if kept else "")


def _always(request: Request, reader: Reader) -> dict[str, object]:
    """What every template may use."""
    role = reader.session.user.role if reader.session else None
    return {
        "reader": reader,
        "language": reader.language,
        "languages": list(languages.languages().values()),
        "zone": reader.portal.time_zone if reader.portal else "UTC",
        "sections": list(rail.shown(role)) if role else [],
        "path": request.url.path,
        "digests": listening.digests(request),
        "with_query": lambda **changed: with_query(request, **changed),
    }


def _filters(language: Language) -> dict[str, object]:
    return {
        "number": language.number,
        "percent": language.percent,
        "day": language.date,
        "day_of": language.day_of,
        "time": language.time,
        "exact": language.exact,
        "duration": language.duration,
        "said": language.said,
        "readable": readable,
        # Who did something, as it is kept: "cli:anna" is anna, on the command line.
        "person": lambda who: language.said(history_words.who(who)),
        # Where it is read in the repository, and here.
        "runbook": lambda link: link.replace(runbook.PAGE, RUNBOOK, 1),
    }
