"""Pictures of every page from a running web interface: `python docs/screenshots.py [URL] [FOLDER]`.

Light, unless `--looks light dark phone` asks for more. Needs a Chromium; `--draft "a brief"` writes one draft first.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import BrowserContext, Page, sync_playwright

PAGES = {
    "home": "/", "sources": "/sources", "write": "/write", "drafts": "/drafts", "library": "/library",
    "train": "/train", "evaluation": "/evaluation", "blind": "/evaluation/blind", "monitoring": "/monitoring",
    "settings": "/settings",
}  # fmt: skip
LOOKS = {"light": (1280, 860, "light"), "dark": (1280, 860, "dark"), "phone": (390, 844, "light")}
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def main() -> None:
    """Take the pictures."""
    options = _options()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profiles, sync_playwright() as playwright:
        for look in options.looks:
            width, height, scheme = LOOKS[look]
            context = playwright.chromium.launch_persistent_context(
                f"{profiles}/{look}", executable_path=options.chromium, headless=True, args=FLAGS,
                viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=options.scale,
            )  # fmt: skip
            if options.draft and look == options.looks[0]:
                _draft(context, options.url, options.draft)
            for name in options.pages or PAGES:
                page = context.new_page()
                _open(page, options.url + PAGES[name])
                picture = options.folder / f"{name}-{look}.png"
                page.screenshot(path=str(picture), full_page=options.full)
                _compress(picture)
                page.close()
            context.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:8080")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent / "img")
    parser.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("google-chrome"))
    parser.add_argument("--draft", default="", help="write a draft on this before the pictures are taken")
    parser.add_argument("--pages", nargs="*", choices=list(PAGES), help="only these pages")
    parser.add_argument("--looks", nargs="*", choices=list(LOOKS), default=["light"], help="light, dark, phone")
    parser.add_argument("--full", action="store_true", help="the whole page, not only the first screen")
    parser.add_argument("--scale", type=float, default=1.0, help="pixels for each CSS pixel")
    return parser.parse_args()


def _open(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_selector("main h1")
    page.wait_for_timeout(900)  # Status lines and web fonts come in just after the page.
    if url.endswith("/write"):
        rows = page.locator("aside .row-item")
        if rows.count():
            rows.first.click()
            page.wait_for_timeout(300)
            page.evaluate("window.scrollTo(0, 0)")


def _compress(picture: Path) -> None:
    """A palette holds these few colours: a third of the bytes, and nothing to be seen of it."""
    with Image.open(picture) as image:
        small = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    small.save(picture, optimize=True)


def _draft(context: BrowserContext, url: str, brief: str) -> None:
    page = context.new_page()
    page.goto(f"{url}/write")
    page.get_by_label("What is it about?").fill(brief)
    page.keyboard.press("Control+Enter")
    page.get_by_role("button", name="Copy").wait_for(timeout=180_000)
    page.close()


if __name__ == "__main__":
    main()
