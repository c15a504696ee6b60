"""Class activation maps that lie in a study's folder stand in its report, inside the page."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest
from planted_studies import halving

from scalesearch.report import pictures
from scalesearch.report.document import Paragraph, Picture
from scalesearch.report.html import document_page
from scalesearch.report.markdown import markdown
from scalesearch.report.study_report import study_report

PNG = b"\x89PNG\r\n\x1a\n and the rest"


def test_a_picture_stands_in_the_report_and_is_named_in_its_words(tmp_path: Path) -> None:
    assert pictures.read_pictures(tmp_path) == ()
    (tmp_path / "cam.png").write_bytes(PNG)
    own = replace(halving(), maps=pictures.read_pictures(tmp_path))
    article = study_report(own)
    assert "Where the networks look" in [one.heading for one in article.sections]
    page, words = document_page(article), markdown(article)
    assert f'src="data:image/png;base64,{base64.b64encode(PNG).decode()}"' in page
    assert "<b>Figure 9. Class activation maps, cam.png.</b> A row is an image" in page
    assert "*Figure 9, in cam.png: Class activation maps, cam.png.* A row is an image" in words
    assert "Where the networks look" not in markdown(study_report(halving()))


def test_what_is_no_picture_is_said_and_many_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_PICTURES", 2)
    for name, data in (("a.png", b"<svg>"), ("b.png", PNG), ("c.png", PNG)):
        (tmp_path / name).write_bytes(data)
    first, second, third = pictures.read_pictures(tmp_path)
    assert first == Paragraph("a.png: is no PNG picture of at most 12 MiB.")
    assert isinstance(second, Picture)
    assert third == Paragraph("1 more are not shown.")
