"""report.md says what the article says, and names stay letters whatever they hold, to a parser of its own."""

from __future__ import annotations

import pytest
from hostile import HOSTILE, hostile
from markdown_it import MarkdownIt
from planted_studies import halving

from scalesearch.report.markdown import escape_markdown, markdown
from scalesearch.report.study_report import study_report

READER = MarkdownIt("commonmark").enable("table").enable("strikethrough")
PLAIN = {"heading", "paragraph", "inline", "text", "softbreak", "strong", "em", "table", "thead", "tbody", "tr"}
PLAIN |= {"th", "td", "code_block", "bullet_list", "list_item", "hr"}


def kinds(text: str) -> set[str]:
    tokens = READER.parse(text)
    whole = [*tokens, *(child for one in tokens for child in one.children or ())]
    return {one.type.removesuffix("_open").removesuffix("_close") for one in whole}


@pytest.mark.parametrize(
    "name",
    [
        HOSTILE,
        "# heading",
        "- item",
        "+ item",
        "1. item",
        "12) item",
        "> quote",
        "    code",
        "a | b",
        "*a* _b_ **c** ~~d~~",
        "`code`",
        "[a](http://b)",
        "![a](b)",
        "<http://b>",
        "\\*a\\*",
        "---",
        "a\nb",
        "&lt;script&gt;",
        "[^1]",
    ],
)
def test_names_are_letters(name: str) -> None:
    assert kinds(escape_markdown(name).strip()) <= {"paragraph", "inline", "text", "text_special"}
    (inline,) = [one for one in READER.parse(escape_markdown(name).strip()) if one.type == "inline"]
    shown = "".join(child.content for child in inline.children or ())
    assert shown == name.replace("\n", "\\n").strip()


def test_addresses_are_no_links() -> None:
    for name in ("http://evil.example", "www.evil.example", "WWW.evil.example", "a@evil.example"):
        text = escape_markdown(name)
        assert not any(mark in text.lower() for mark in ("://", "www.", "@"))
        assert READER.renderInline(text) == name


def test_a_hostile_article_holds_nothing_but_its_blocks() -> None:
    assert kinds(markdown(hostile())) <= PLAIN | {"text_special"}


def test_the_report_is_read_as_it_was_written() -> None:
    article = study_report(halving())
    text = markdown(article)
    assert text.startswith("# How should tiny spend its next 2x of compute?\n")
    tokens = READER.parse(text)
    headings = [
        tokens[i + 1].content for i, one in enumerate(tokens) if one.type == "heading_open" and one.tag == "h2"
    ]
    assert headings == [section.heading for section in article.sections]
    assert sum(one.type == "table_open" for one in tokens) == 4
    assert text.count("*Figure ") == len(list(article.drawings()))
