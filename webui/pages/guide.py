"""How to ask each platform for one's own writing."""

from __future__ import annotations

from html import escape

from nicegui import ui

from webui import parts

_GUIDE: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("LinkedIn", "o_work_outline", "The export comes by e-mail, within ten minutes to a day.", (
        "Open Settings & Privacy, then Data privacy, then “Get a copy of your data”.",
        "Choose “Download larger data archive”, or at least Posts, Articles and Comments. Ask for the archive.",
        "When the mail comes, download the ZIP and drop it here as it is. Messages and contacts in it are never read.",
    )),
    ("Medium", "o_article", "The export comes by e-mail, usually within the hour.", (
        "Open Settings, then Security and apps, then “Download your information”.",
        "Download the ZIP from the mail and drop it here.",
        "Or paste your profile link: Medium’s public feed holds your ten newest stories.",
    )),
    ("Substack", "o_mark_email_read", "You get the ZIP at once.", (
        "In your publication’s dashboard open Settings, then Exports, then “Create new export”.",
        "Download the ZIP and drop it here. The list of subscribers in it is never read.",
        "Or paste https://your-name.substack.com: the public feed holds the twenty newest posts.",
    )),
    ("GitHub", "o_code", "Nothing to ask for.", (
        "Paste https://github.com/your-name. READMEs of your public repositories are read through GitHub’s interface.",
        "With a GITHUB_TOKEN in the environment more is read in less time.",
    )),
    ("X (Twitter)", "o_tag", "The archive takes a day or so.", (
        "Open Settings, then Your account, then “Download an archive of your data”.",
        "Download the ZIP and drop it here as it is. Reposts are left out; direct messages are never read.",
    )),
    ("Mastodon", "o_forum", "The archive is ready within minutes, once a week.", (
        "Open Preferences, then Import and export, then Data export: “Request your archive”.",
        "Download it and drop it here: of it the outbox alone is read, boosts are left out.",
    )),
    ("WordPress", "o_web", "You get the file at once.", (
        "In the dashboard open Tools, then Export, choose “All content” and download the XML file.",
        "Drop it here. Pages, drafts of others and comments of visitors are not learned from.",
    )),
    ("Ghost", "o_web_asset", "You get the file at once.", (
        "Open Settings, then Import/Export (formerly Labs), then “Export content”.",
        "Drop the JSON file here. Members are not in it.",
    )),
    ("Your own site, or any feed", "o_rss_feed", "RSS and Atom are known.", (
        "Paste the address of the feed, for example https://example.com/feed.xml.",
        "A site without a feed: save the pages as Markdown, text or HTML and drop the files here.",
    )),
    ("Anything else", "o_description", "Markdown, text, HTML, JSONL.", (
        "Drop single files, or a ZIP of them. Markdown may begin with `title:` and `date:` between two lines of `---`.",
        "JSONL: one text a line, as {\"text\": …, \"title\": …, \"date\": …, \"url\": …}.",
    )),
)  # fmt: skip


# What to press, one screen after another.
_WHERE = {
    "LinkedIn": ("Settings & Privacy", "Data privacy", "Get a copy of your data"),
    "Medium": ("Settings", "Security and apps", "Download your information"),
    "Substack": ("Settings", "Exports", "Create new export"),
    "X (Twitter)": ("Settings", "Your account", "Download an archive"),
    "Mastodon": ("Preferences", "Import and export", "Request your archive"),
    "WordPress": ("Tools", "Export", "All content"),
    "Ghost": ("Settings", "Import/Export", "Export content"),
}


def _picture(presses: tuple[str, ...]) -> None:
    """Each press as a small drawn screen: its menu, and in it the entry that is meant."""
    with ui.element("div").classes("screens").props(f'role=img aria-label="Press {escape(", then ".join(presses))}"'):
        for number, words in enumerate(presses):
            entries = ["<i></i>"] * 3
            entries.insert(number + 1, f"<b>{escape(words)}</b>")
            ui.html("".join(entries), sanitize=False).classes("screen").props('aria-hidden="true"')


def show() -> None:
    """The guide, one platform a fold."""
    with ui.element("section").classes("card guide").style("gap: 0"):
        parts.heading(2, "How to get your writing out of…").style("margin-bottom: 0.7rem")
        for name, icon, lead, steps in _GUIDE:
            with ui.expansion(name, icon=icon, group="guide"):
                parts.text(lead, "soft")
                if name in _WHERE:
                    _picture(_WHERE[name])
                with ui.element("ol"):
                    for step in steps:
                        item = ui.label(step)
                        item.tag = "li"
