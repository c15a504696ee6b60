"""Names that would be markup stay letters, and other sites get nothing."""

from __future__ import annotations

import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from browsing import FOREIGN, serving, watched
from planted import plan, study

from scalesearch.runners.inline import InlineRunner
from scalesearch.search.task import Epoch
from scalesearch.search.trial import TrialSpec
from scalesearch.study.search import search
from scalesearch.study.study import open_or_create

pytestmark = pytest.mark.browser

SCRIPT = "window.hacked=1"
NAMES = [
    f"<script>{SCRIPT}<∕script>",
    f"<img src=x onerror={SCRIPT}>",
    f"<svg onload={SCRIPT}>",
    f'"><img src=x onerror={SCRIPT}>',
    f"'><img src=x onerror={SCRIPT}>",
    f"javascript:{SCRIPT}",
    f"<a href='javascript:{SCRIPT}'>press<∕a>",
    f"<iframe srcdoc='<script>{SCRIPT}'>",
    f"<body onload={SCRIPT}>",
    f"<details open ontoggle={SCRIPT}>",
    "<style>*{display:none}",
    "<b>bold<∕b><br>",
    "<!-- a comment",
    "]]>",
    "{{7*7}}",
    "${7*7}",
    "{%scripts%}",
    "%3Cscript%3E",
    "&lt;script&gt;",
    "&#60;b&#62;",
    "quote ' and \" and `",
    "back\\slash",
    "a\nnew line",
    "a\ttab",
    "\x1b[31mred",
    "‮right to left",
    "zero​width",
    "日本語 ß ñ 🦊",
    "=HYPERLINK('x')",
    "__proto__",
]


class Failing:
    """Trials that fail with a hostile message, but for those of the first seed."""

    def __init__(self, words: str) -> None:
        self.words = words

    def __call__(self, spec: TrialSpec) -> Iterator[Epoch]:
        yield Epoch(1, 64, 1.0, 1.0, 0.5 + int(spec.id[:2], 16) / 1000, 0.1)
        if int(spec.id, 16) % 3 == 0:
            raise ValueError(self.words)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty studies of hostile names, each of hostile data with hostile failures."""
    folder = tmp_path_factory.mktemp("hostile")
    for name in NAMES:
        asked = plan()
        asked = replace(asked, data=replace(asked.data, name=name))
        begun = study(folder / "results" / name, asked)
        begun = open_or_create(replace(begun, command=name, environment={**begun.environment, "gpu": name}))
        search(begun, InlineRunner(), Failing(name), lambda _: None)
    shutil.copy(Path(__file__).parents[2] / "docs" / "figures" / "cam.png", begun.folder / f"{NAMES[1]}.png")
    broken = folder / "results" / f"broken {NAMES[1]}"
    broken.mkdir()
    tree = json.loads((begun.folder / "study.json").read_text())
    tree["question"]["rounding"] = NAMES[1]
    (broken / "study.json").write_text(json.dumps(tree))
    return folder


@pytest.fixture(scope="module")
def address(root: Path) -> Iterator[str]:
    """A server of them."""
    with serving(root / "results", root / "cache") as at:
        yield at


def test_hostile_names_are_inert(browser: Any, address: str) -> None:
    assert len(NAMES) == len(set(NAMES)) == 30
    own = watched(browser, address)
    own.open()
    buttons = own.page.locator("#studies-table tbody button")
    assert buttons.count() == 31
    for i in range(31):
        own.show("Studies")
        buttons.nth(i).click()
        own.page.wait_for_selector("#progress-section:not([hidden])")
        own.page.wait_for_timeout(150)
    for name in (f"<img src=x onerror={SCRIPT}>", "__proto_"):
        own.choose(name)
        for view in ("Trials", "Candidate", "Answer", "Compare", "Family", "Maps"):
            own.show(view)
            own.page.wait_for_timeout(400)
    assert own.page.evaluate("window.hacked === undefined && Object.prototype.hacked === undefined")
    for what in (
        "img[src=x]",
        "svg[onload]",
        "iframe",
        "main script",
        "main style",
        "main b b",
        "a[href^=javascript]",
    ):
        assert own.page.locator(what).count() == 0, what
    own.page.close()
    assert own.wrong == []


def test_another_host_is_refused(browser: Any, address: str) -> None:
    page = browser.new_page()
    answer = page.goto(address.replace("127.0.0.1", FOREIGN))
    assert answer.status == 421
    assert "not known by that name" in page.content()
    page.close()


def test_another_site_reads_and_embeds_nothing(browser: Any, address: str) -> None:
    body = f"""<!doctype html><title>other</title><iframe src="{address}"></iframe>
<form id=f method=post action="{address}_dash-update-component"><input name=a></form>""".encode()

    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = browser.new_page()
    statuses: list[int] = []

    def note(got: Any) -> None:
        if got.url.startswith(address):
            statuses.append(got.status)

    page.on("response", note)
    page.goto(f"http://localhost:{server.server_port}/")
    read = page.evaluate(
        "async at => { try { return (await fetch(at + '_dash-layout')).status } catch (e) { return 'refused' } }",
        address,
    )
    assert read == "refused"
    page.evaluate(
        "at => fetch(at + '_dash-update-component', {method: 'POST', mode: 'no-cors', body: '{}'}).catch(() => 0)",
        address,
    )
    page.evaluate("document.getElementById('f').submit()")
    page.wait_for_load_state()
    page.wait_for_timeout(300)
    assert statuses
    assert set(statuses) == {403}, statuses
    page.close()
    server.shutdown()
    server.server_close()
