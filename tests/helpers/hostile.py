"""Names that would be tags, links and formulas, and an article of nothing else."""

from __future__ import annotations

from dataclasses import replace

from planted_studies import halving

from scalesearch.report.document import BulletList, Code, Document, Paragraph, Picture, Section, Table
from scalesearch.report.figures import pareto

HOSTILE = (
    """</script><script>alert(1)</script><img src=x onerror=alert(2)>'"&]]>--><a href="javascript:alert(3)">"""
)


def hostile() -> Document:
    """Every kind of block, of names that would be tags."""
    drawing = replace(pareto(halving().found), heading=HOSTILE, caption=HOSTILE)
    drawing.figure.update_layout(title={"text": HOSTILE})
    table = Table(HOSTILE, (HOSTILE, "b"), ((HOSTILE, "1"),), frozenset((HOSTILE,)))
    picture = Picture(HOSTILE, HOSTILE, HOSTILE, HOSTILE.encode())
    blocks = (Paragraph(HOSTILE), Code(HOSTILE), BulletList((HOSTILE,)), table, drawing, picture)
    return Document(HOSTILE, HOSTILE, HOSTILE, (Section(HOSTILE, blocks),))
