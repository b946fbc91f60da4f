"""How does a Markdown file of ours become a part of a page?

With the anchors that GitHub gives its headings, so that a link leads to the same section here and there. Nothing in it
is markup but what Markdown says, and no style: the policy that browsers are given forbids it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of the second level."""

    text: str
    anchor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A file as HTML."""

    title: str
    """Its first heading, which is not in `html`."""
    headings: tuple[Heading, ...]
    html: str


def render(markdown: str) -> Rendered:
    """The file's text as HTML. Links to other files lead nowhere here, and are their texts."""
    reader = MarkdownIt("commonmark", {"html": False, "xhtmlOut": False}).enable("table")
    tokens = reader.parse(markdown)
    title, headings = "", []
    shown: list[Token] = []
    for index, token in enumerate(tokens):
        # A column's side, as a style.
        token.attrs.pop("style", None)
        if token.type == "heading_open":
            text = tokens[index + 1].content
            token.attrSet("id", anchor(text))
            if token.tag == "h1":
                title = text
            elif token.tag == "h2":
                headings.append(Heading(text, anchor(text)))
        if token.type == "inline" and token.children:
            token.children = _own_links(token.children)
        shown.append(token)
    body = [token for token in shown if not _is_title(token)]
    if body and body[0].type == "inline":
        body = body[1:]
    return Rendered(title=title, headings=tuple(headings), html=str(reader.renderer.render(body, reader.options, {})))


def anchor(heading: str) -> str:
    """The anchor of a heading."""
    return _NOT_IN_ANCHORS.sub("", heading.lower()).replace(" ", "-")


def _is_title(token: Token) -> bool:
    return token.tag == "h1"


def _own_links(tokens: Sequence[Token]) -> list[Token]:
    """Without the links to other files: only what is within this one, or elsewhere in the world, is there."""
    kept: list[Token] = []
    dropped = 0
    for token in tokens:
        if token.type == "link_open" and not str(token.attrs.get("href", "")).startswith(("#", "https://")):
            dropped += 1
        elif token.type == "link_close" and dropped:
            dropped -= 1
        else:
            kept.append(token)
    return kept
