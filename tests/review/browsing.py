"""A visitor in a real browser: what went wrong while it looked is kept, and every page it photographs must fit its screen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from reviewed_office import LOGINS, PASSWORD

DESKTOP, PHONE = (1280, 900), (390, 844)


class Visitor:
    """A page of the browser. `complaints`: errors of the console (the policy's too) and faults of scripts."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.complaints: list[str] = []
        page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda fault: self.complaints.append(str(fault)))

    def log_in(self, role: str) -> Visitor:
        self.open("/login")
        self.page.fill("#login", LOGINS[role])
        self.page.fill("#password", PASSWORD)
        self.page.click("main button")
        self.page.wait_for_url("**/board*")
        return self

    def open(self, path: str, refused: int | None = None) -> Page:
        """The page at a path. `refused`: the status of the refusal that is looked for there."""
        answer = self.page.goto(self.address + path)
        assert answer is not None
        if refused is None:
            assert answer.status < 400, f"{path}: {answer.status}"
        else:
            assert answer.status == refused, f"{path}: {answer.status}"
            # The browser itself notes every answer of this kind.
            self.complaints = [one for one in self.complaints if f"status of {refused}" not in one]
        return self.page

    def measure_overflow(self) -> int:
        """Pixels that the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def shoot(self, screens: Path, name: str) -> None:
        """The page on a desk and on a phone; neither may be wider than its screen."""
        for label, (width, height) in (("may-tinh", DESKTOP), ("dien-thoai", PHONE)):
            self.page.set_viewport_size({"width": width, "height": height})
            assert self.measure_overflow() <= 0, f"{name} overflows at {width} px"
            tall = int(self.page.evaluate("document.documentElement.scrollHeight"))
            self.page.screenshot(
                path=screens / f"{name}-{label}.png",
                full_page=True,
                clip={"x": 0, "y": 0, "width": width, "height": min(tall, 3000)},
            )
        self.page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})

    def list_barriers(self) -> list[str]:
        """What axe-core finds serious or critical: rule and place."""
        found = Axe().run(self.page).response
        return [
            f"{one['id']}: {node['html'][:160]}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"][:3]
        ]


@contextmanager
def visit(browser: Any, address: str, **options: Any) -> Iterator[Visitor]:
    """A visitor with cookies of its own."""
    context = browser.new_context(viewport={"width": DESKTOP[0], "height": DESKTOP[1]}, locale="vi-VN", **options)
    try:
        yield Visitor(context.new_page(), address)
    finally:
        context.close()
