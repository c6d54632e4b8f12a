"""Everyone can use the pages: axe-core on every page and role, the keyboard alone, no motion, twice the size of letters."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa
from browsing import visit
from reviewed_office import PERIOD, REPORT

from etl.review.office import Office

KEY = f"{REPORT}:{PERIOD}"
UNIT = "H14.SNV"
FIGURE = f"/figure?id={KEY}/F05/02/F05.02.2"
_PERIOD = f"/periods/{REPORT}/{PERIOD}"
_STAFF = (f"/board/{REPORT}/{PERIOD}/{UNIT}", "/submissions/{rejected}", _PERIOD)
PAGES = {
    "anonymous": ("/login",),
    "reader": (
        f"/board?key={KEY}", *_STAFF, f"/submissions?key={KEY}", f"/submissions?key={KEY}&unit={UNIT}", f"/tables?key={KEY}",
        f"/tables/board?key={KEY}", f"/tables/movement_result?key={KEY}", f"/tables/0603?key={KEY}",
        f"/tables/structure?key={KEY}", f"/tables/quality?key={KEY}", FIGURE, "/periods", "/register",
    ),
    "reviewer": (*_STAFF, "/quarantine", "/register", "/audit", f"/links/{REPORT}/{PERIOD}/{UNIT}"),
    "publisher": (_PERIOD,),
    "administrator": ("/accounts",),
}  # fmt: skip


@pytest.fixture(scope="session")
def rejected(office: Office) -> int:
    with office.context().engine.connect() as connection:
        statement = "SELECT min(submission_id) FROM core.verdict WHERE verdict = 'rejected'"
        return int(connection.execute(sa.text(statement)).scalar_one())


@pytest.mark.parametrize("role", PAGES)
def test_axe_finds_no_barrier(live: str, browser: Any, rejected: int, role: str) -> None:
    with visit(browser, live) as visitor:
        if role != "anonymous":
            visitor.log_in(role)
        for path in PAGES[role]:
            visitor.open(path.format(rejected=rejected))
            assert visitor.list_barriers() == [], path
            levels = visitor.page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(h => +h.tagName[1])")
            assert levels.count(1) == 1, path
            assert all(after - before <= 1 for before, after in pairwise(levels)), path
            assert visitor.page.evaluate("document.documentElement.lang") == "vi"
        assert visitor.complaints == []


def test_the_keyboard_alone_gets_from_the_login_to_a_figures_cell(live: str, browser: Any) -> None:
    with visit(browser, live, reduced_motion="reduce") as visitor:
        page = visitor.open("/login")
        page.keyboard.type("reviewer@vp")
        page.keyboard.press("Tab")
        page.keyboard.type("mật khẩu thử nghiệm")
        page.keyboard.press("Enter")
        page.wait_for_url("**/board*")

        # The first stop is the way past the navigation; it can be seen, and it works.
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        assert page.locator(".skip").bounding_box()["x"] >= 0
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"

        # Every stop is visible and marked, and the round comes to its end: nothing traps.
        visitor.open(_PERIOD)
        stops = []
        for _ in range(120):
            page.keyboard.press("Tab")
            stop = page.evaluate(
                "(() => { const e = document.activeElement, s = getComputedStyle(e), b = e.getBoundingClientRect();"
                " return [e.tagName, s.outlineStyle, b.width > 0, e.textContent.trim().slice(0, 20)]; })()"
            )
            if stop[0] == "BODY":
                break
            stops.append(stop)
        assert len(stops) > 10
        assert stop[0] == "BODY"
        assert all(outline != "none" and is_seen for _, outline, is_seen, _ in stops), stops

        def press_on(selector: str) -> None:
            page.locator(selector).first.focus()
            page.keyboard.press("Enter")

        visitor.open(f"/tables?key={KEY}")
        press_on("a[href*='/tables/0603']:not([href*='/file'])")
        page.wait_for_url("**/tables/0603*")
        press_on("table a[href*='F05.02.2']")
        page.wait_for_url("**/figure*")
        press_on("tbody td a")
        page.wait_for_url("**#cell")
        assert page.locator("#cell").is_visible()
        # What scrolls can be scrolled by the keyboard.
        page.locator(".sheet").focus()
        assert page.evaluate("document.activeElement.className").split()[-1] == "sheet"


def test_nothing_moves_for_who_asked_for_no_motion(live: str, browser: Any) -> None:
    moving = (
        "[...document.querySelectorAll('*')].filter(e => parseFloat(getComputedStyle(e).transitionDuration) > 0).length"
    )
    with visit(browser, live, reduced_motion="reduce") as visitor:
        visitor.log_in("reviewer")
        assert visitor.open(f"/board?key={KEY}").evaluate(moving) == 0


def test_twice_the_size_fits_the_screen(live: str, browser: Any, rejected: int) -> None:
    """200 %: half as many of the page's own pixels across the same screen."""
    with visit(browser, live, device_scale_factor=2) as visitor:
        visitor.page.set_viewport_size({"width": 640, "height": 450})
        visitor.log_in("reviewer")
        for path in (*PAGES["reviewer"], *PAGES["reader"]):
            visitor.open(path.format(rejected=rejected))
            assert visitor.measure_overflow() <= 0, path


def test_meaning_does_not_hang_on_colour(live: str, browser: Any) -> None:
    with visit(browser, live) as visitor:
        visitor.log_in("reader")
        page = visitor.open(f"/board?key={KEY}")
        tags = page.locator(".matrix .tag").all_inner_texts()
        assert tags
        assert all(tag.strip() for tag in tags)


def test_print_leaves_out_what_paper_cannot_press(live: str, browser: Any) -> None:
    with visit(browser, live) as visitor:
        visitor.log_in("publisher")
        page = visitor.open(_PERIOD)
        assert page.locator("button:visible, nav:visible").count() > 0
        page.emulate_media(media="print")
        assert page.locator("button:visible, select:visible, textarea:visible, nav:visible").count() == 0
        assert page.locator("h1").is_visible()
        page = visitor.open(f"/tables/0603?key={KEY}")
        assert page.locator("button:visible, select:visible, nav:visible").count() == 0
        assert page.locator("table").is_visible()
        assert page.locator("figure svg").is_visible()
