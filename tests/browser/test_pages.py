"""A real Chromium on the web interface: the ways a person goes, with keyboard, phone, reload and two tabs."""

from __future__ import annotations

import io
import sys
import time
import zipfile
from typing import Any

import pytest

from twin import params
from twin.files import write_text
from webui import main
from webui.access import door
from webui.client import jobs, sources

pytestmark = pytest.mark.browser

PATHS = (
    "/", "/sources", "/write", "/drafts", "/library", "/train", "/evaluation", "/evaluation/blind", "/monitoring",
    "/settings",
)  # fmt: skip

# The page takes itself for unconnected in its first second.
LATE = """let done = false
const since = Date.now()
Object.defineProperty(window, "did_handshake", {
  get: () => done && Date.now() - since > 1000,
  set: (value) => { done = value },
})"""


def test_from_the_first_visit_to_a_source(serve: Any, tab: Any, world: Any, tmp_path: Any) -> None:
    settings = world.settings_for(tmp_path)
    server = serve(settings)
    page = tab()
    page.goto(server.url)
    page.get_by_label("Your name").fill("Ada Reed")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sources")
    page.get_by_text("Nothing to read yet").wait_for()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("Shares.csv", "Date,ShareLink,ShareCommentary\n")
    page.set_input_files(
        "input[type=file]", {"name": "export.zip", "mimeType": "application/zip", "buffer": out.getvalue()}
    )
    page.get_by_text("LinkedIn · export.zip was added.").wait_for()
    page.get_by_label("Paste a link").fill("https://ada.substack.com")
    page.get_by_role("button", name="Add link").click()
    page.get_by_text("2 sources").wait_for()
    assert (tmp_path / "data" / "ada-reed" / "inbox" / "export.zip").read_bytes() == out.getvalue()
    assert [s.kind for s in params.load(tmp_path / "params.yaml").sources] == ["linkedin", "substack"]
    page.get_by_role("button", name="Remove Substack https://ada.substack.com").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    page.get_by_text("1 source", exact=True).wait_for()


def test_a_name_typed_before_the_page_is_connected_is_taken(serve: Any, tab: Any, world: Any, tmp_path: Any) -> None:
    settings = world.settings_for(tmp_path)
    server = serve(settings)
    # What waits for the connection arrives in no certain order, so once would prove little.
    for how in ("button", "key") * 3:
        page = tab()
        page.add_init_script(LATE)
        page.goto(server.url)
        page.get_by_label("Your name").fill("Ada Reed")
        if how == "button":
            page.get_by_role("button", name="Begin").click()
        else:
            page.keyboard.press("Enter")
        page.wait_for_url("**/sources")
        assert params.load(tmp_path / "params.yaml").author.name == "Ada Reed"
        page.close()
        (tmp_path / "params.yaml").unlink()


def test_a_page_opened_before_there_was_an_author_is_not_sent_away(
    serve: Any, tab: Any, world: Any, tmp_path: Any
) -> None:
    server = serve(world.settings_for(tmp_path))
    page = tab()
    page.goto(server.url)
    page.get_by_label("Your name").wait_for()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.is_navigation_request() else None)
    sources.begin(tmp_path / "params.yaml", "Ada Reed")
    page.get_by_label("Your name").wait_for(state="detached")
    page.wait_for_timeout(2000 * main._SHUT_SECONDS)
    assert asked == []


def test_who_leaves_the_sample_author_is_led_to_the_sources(serve: Any, tab: Any, world: Any, tmp_path: Any) -> None:
    server = serve(world.settings_for(tmp_path))
    page = tab()
    page.goto(server.url)
    page.get_by_label("Your name").wait_for()
    # The way on, and right after it the word that this page's visitor is nobody any more.
    page.evaluate("to => { window.open(to[0], '_self'); eval(to[1]) }", ["/sources", door._TO_LOGIN])
    page.wait_for_url("**/sources")
    page.wait_for_timeout(500)
    assert page.url.endswith("/sources")


def test_a_draft_by_keyboard_reload_and_second_tab(
    serve: Any, tab: Any, world: Any, endpoint: Any, tmp_path: Any
) -> None:
    settings = world.settings_for(tmp_path, endpoint_port=endpoint.port)
    world.project(tmp_path, documents=5)
    server = serve(settings)
    endpoint.gate.set()
    page = tab()
    page.goto(f"{server.url}/write")
    page.get_by_label("What is it about?").press_sequentially("Tea & <b>queues</b>", delay=1)
    page.keyboard.press("Control+Enter")
    page.get_by_text("Kettle first.").wait_for()
    page.reload()
    page.get_by_text("Kettle first.").wait_for()
    other = tab()
    other.goto(f"{server.url}/write")
    other.get_by_text("Kettle first.").wait_for()
    endpoint.gate.clear()
    for one in (page, other):
        one.get_by_role("button", name="Copy").wait_for()
        text = one.locator(".paper .text")
        assert text.inner_text() == "Kettle first.1\n\nThen the <queue>."
        assert one.locator(".cite a").get_attribute("href") == "https://ada.example/1"
        assert "The kettle & the <b>queue</b>" in one.locator(".cite blockquote").inner_text()
    assert [body["messages"][0]["content"] for body in endpoint.asked] == ["Tea & <b>queues</b>"]


def test_a_service_that_dies_and_comes_back(serve: Any, tab: Any, world: Any, tmp_path: Any) -> None:
    settings = world.settings_for(tmp_path)
    world.project(tmp_path)
    server = serve(settings)
    page = tab()
    page.goto(f"{server.url}/write")
    page.get_by_text("The writing service is not running").wait_for()
    page.get_by_label("What is it about?").fill("Tea")
    page.get_by_role("button", name="Draft", exact=True).click()
    page.get_by_text("The draft was not finished").wait_for()
    original, world.free_port = world.free_port, lambda: settings.endpoint_port
    try:
        with world.endpoint():
            page.get_by_text("The writing service is not running").wait_for(state="detached")
            page.get_by_role("button", name="Try again").click()
            page.get_by_role("button", name="Copy").wait_for()
    finally:
        world.free_port = original


def test_progress_survives_a_restart_of_the_server(serve: Any, tab: Any, world: Any, tmp_path: Any) -> None:
    settings = world.settings_for(tmp_path)
    world.project(tmp_path)
    server = serve(settings)
    page = tab()
    page.goto(server.url)
    jobs.start(settings, jobs.PIPELINE, lines=[[sys.executable, "-c", "import time; time.sleep(90)"]])
    pid = _pid(settings)
    world.say(settings, "collect", detail="Article 4", pid=pid)
    page.get_by_text("texts · Article 4").wait_for()
    server.stop()
    server.start()
    world.say(settings, "collect", detail="Article 9", done=9, pid=pid)
    page.get_by_text("texts · Article 9").wait_for(timeout=40_000)
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Stop it").click()
    page.get_by_text("You stopped it.").wait_for()
    assert jobs.latest(settings).state == "stopped"


def _pid(settings: Any) -> int:
    """The process that carries the job, as soon as it has said so."""
    while (job := jobs.latest(settings)) is None or not job.pid:
        time.sleep(0.05)
    return job.pid


def test_a_library_of_ten_thousand_is_quick(serve: Any, tab: Any, world: Any, tmp_path: Any) -> None:
    world.project(tmp_path, documents=10_000)
    server = serve(world.settings_for(tmp_path))
    page = tab()
    page.goto(f"{server.url}/library")
    page.get_by_text("1–25 of 10,000").wait_for()
    started = time.perf_counter()
    page.goto(f"{server.url}/library")
    page.get_by_text("1–25 of 10,000").wait_for()
    opened = time.perf_counter() - started
    started = time.perf_counter()
    page.get_by_label("Search").fill("number 4321.")
    page.get_by_text("1–1 of 1", exact=True).wait_for()
    searched = time.perf_counter() - started
    print(f"library of 10,000: opened in {opened:.2f} s, searched in {searched:.2f} s")
    assert opened < 4 and searched < 2
    page.get_by_role("button", name="Text number 4321.").press("Enter")
    page.get_by_role("dialog").get_by_text("The kettle & the <b>queue</b> 🫖").wait_for()


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_every_page_fits_its_screen_and_has_names(
    width: int, scheme: str, serve: Any, tab: Any, world: Any, tmp_path: Any
) -> None:
    work = world.project(tmp_path, documents=30)
    write_text(
        work.report / "report.html",
        "<script>try { parent.document.title = 'taken over' } catch {}</script><h1>Report</h1>",
    )
    server = serve(world.settings_for(tmp_path))
    page = tab()
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})
    for path in PATHS:
        page.goto(server.url + path)
        page.locator("main h1").wait_for()
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        nameless = page.evaluate(_NAMELESS)
        assert nameless == [], path
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(21, 20, 18)") == (scheme == "dark")
    page.goto(f"{server.url}/evaluation")
    page.get_by_text("The whole report").click()
    page.frame_locator("iframe").get_by_text("Report").wait_for()
    assert page.title() == "Evaluation · Twin"


def test_nothing_is_fetched_from_elsewhere(serve: Any, tab: Any, world: Any, tmp_path: Any) -> None:
    world.project(tmp_path, documents=5)
    server = serve(world.settings_for(tmp_path))
    page = tab()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in PATHS:
        page.goto(server.url + path)
        page.wait_for_timeout(200)
    assert [url for url in asked if not url.startswith((server.url, "data:", "blob:"))] == []


def test_a_foreign_name_for_this_machine_is_turned_away(serve: Any, world: Any, tmp_path: Any) -> None:
    import httpx

    server = serve(world.settings_for(tmp_path))
    assert httpx.get(server.url, headers={"Host": "evil.example"}, trust_env=False).status_code == 400


def test_a_taken_port_is_named(world: Any, serve: Any, tmp_path: Any) -> None:
    import os
    import subprocess

    settings = world.settings_for(tmp_path)
    serve(settings)
    again = subprocess.run(
        [sys.executable, "-m", "webui.main"], capture_output=True, text=True, timeout=60,
        env=os.environ | {"TWIN_ROOT": str(tmp_path), "TWIN_WEBUI_PORT": str(settings.webui_port)},
    )  # fmt: skip
    assert again.returncode != 0 and "port is taken" in again.stderr and "TWIN_WEBUI_PORT" in again.stderr


# Buttons, fields and links without a name, double ids, and levels of headings that are skipped.
_NAMELESS = """() => {
  const bad = [];
  const seen = (e) => e.checkVisibility({visibilityProperty: true});
  for (const e of document.querySelectorAll('button, a[href], [role=button]')) {
    const words = e.innerText.replace(/[a-z_]*_[a-z_]*/g, '').trim();  // an icon's name is no word
    if (seen(e) && !(e.getAttribute('aria-label') || words)) bad.push(e.outerHTML.slice(0, 120));
  }
  for (const e of document.querySelectorAll('input:not([type=hidden]), textarea')) {
    const name = e.getAttribute('aria-label') || e.labels?.length || e.getAttribute('aria-labelledby');
    if (seen(e) && !name) bad.push(e.outerHTML.slice(0, 160));
  }
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) bad.push('id twice: ' + id);
  if (document.querySelectorAll('h1').length !== 1) bad.push('h1');
  if (document.querySelectorAll('main').length !== 1) bad.push('main');
  return [...new Set(bad)];
}"""
