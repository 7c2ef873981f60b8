"""The files of a complete LinkedIn export, spelled as the real one is: column names, quoting, order."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from datetime import datetime

from examples.author import LINKEDIN_MEMBER_ID, NAME
from examples.texts import Remark, Text

_STAMP = "%Y-%m-%d %H:%M:%S"

# Words of people other than the author. They are in the archive because the real one has them, and whoever
# collects must leave them there: a test can look for these.
THIRD_PARTY = ("Vantonder", "Belphoebe", "Osterley", "the brass dolphin is under the mat")


def export_files(posts: Iterable[Text], reshares: Iterable[Remark], comments: Iterable[Remark]) -> dict[str, str]:
    """File name to content for the whole archive; the member id is in the names as in a "complete" export."""
    written = list(posts)
    return {
        f"Shares_{LINKEDIN_MEMBER_ID}.csv": shares_csv(written, reshares),
        f"Comments_{LINKEDIN_MEMBER_ID}.csv": comments_csv(comments),
        "Profile.csv": _profile(),
        "Connections.csv": _connections(),
        "messages.csv": _messages(),
        "Rich_Media.csv": _rich_media(written),
    }


def shares_csv(posts: Iterable[Text], reshares: Iterable[Remark]) -> str:
    """Posts and bare reshares, newest first. Every inner line end of a commentary is wrapped in quotes,
    so that a CSV reader yields ``line1"\\n"line2``; replacing ``"\\n"`` by ``\\n`` gives the text back.
    """
    dated: list[tuple[datetime, str, str]] = [(post.date, post.body, "") for post in posts]
    dated += [(reshare.date, "", reshare.link) for reshare in reshares]
    rows = [
        (at.strftime(_STAMP), _share_link(at, text), text.replace("\n", '"\n"'), shared, "", "MEMBER_NETWORK")
        for at, text, shared in sorted(dated, reverse=True)
    ]
    return _csv(("Date", "ShareLink", "ShareCommentary", "SharedUrl", "MediaUrl", "Visibility"), rows)


def comments_csv(comments: Iterable[Remark]) -> str:
    """Comments, newest first. Quotes inside a message are escaped with a backslash, not doubled."""
    lines = ["Date,Link,Message"]
    for comment in sorted(comments, key=lambda c: c.date, reverse=True):
        message = comment.text.replace('"', '\\"')
        # The export quotes a message only when it has to.
        quoted = f'"{message}"' if set(message) & set(',"\n') else message
        lines.append(f"{comment.date.strftime(_STAMP)},{comment.link},{quoted}")
    return "\n".join(lines) + "\n"


def _share_link(at: datetime, text: str) -> str:
    # Ids count milliseconds in their upper bits, as the real ones do; the rest comes from date and text.
    digest = int.from_bytes(hashlib.sha256(f"{at} {text}".encode()).digest()[:4], "big")
    number = (int(at.timestamp()) * 1000 << 22) | (digest & 0x3FFFFF)
    kind = "ugcPost" if digest % 5 == 0 else "share"
    return f"https://www.linkedin.com/feed/update/urn%3Ali%3A{kind}%3A{number}"


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def _profile() -> str:
    header = (
        "First Name,Last Name,Maiden Name,Address,Birth Date,Headline,Summary,Industry,Zip Code,Geo Location,"
        "Twitter Handles,Websites,Instant Messengers"
    )
    first, last = NAME.split()
    headline = "Data & reliability at Northquay Ferries. 5 boats, 4 people. (fictional)"
    row = (
        first,
        last,
        "",
        "1 Slipway Row, Northquay",
        "Nov 8",
        headline,
        "",
        "Maritime",
        "NQ1 1AA",
        "Northquay",
        "",
        "",
        "",
    )
    return _csv(header.split(","), [row])


def _connections() -> str:
    # The real file opens with a note of 3 lines, so a reader that takes line 1 for the header goes astray.
    note = 'Notes:\n"An address is only listed here when the connection lets their connections see it."\n\n'
    header = ("First Name", "Last Name", "URL", "Email Address", "Company", "Position", "Connected On")
    rows = [
        ("Osric", "Vantonder", "", "osric@vantonder.example", "Lamp & Rope", "Chandler", "04 Mar 2021"),
        ("Belphoebe", "Quill", "", "", "Quill Soundings", "Hydrographer", "19 Sep 2023"),
        (
            "Hartwin",
            "Osterley",
            "",
            "hartwin@osterley.example",
            "Osterley Coaches",
            "Dispatcher",
            "11 Jun 2025",
        ),
    ]
    return note + _csv(header, rows)


def _messages() -> str:
    header = (
        "CONVERSATION ID,CONVERSATION TITLE,FROM,SENDER PROFILE URL,TO,RECIPIENT PROFILE URLS,"
        "DATE,SUBJECT,CONTENT,FOLDER"
    )
    hidden = "If I'm late, the brass dolphin is under the mat.\nPlease tell no one, my sister is staying."
    rows = [
        ("2-a1", "", "Osric Vantonder", "", NAME, "", "2025-02-11 18:40:09 UTC", "", hidden, "INBOX"),
        (
            "2-a1",
            "",
            NAME,
            "",
            "Osric Vantonder",
            "",
            "2025-02-11 18:52:30 UTC",
            "",
            "Not a word. Private, this.",
            "SENT",
        ),
        (
            "2-b7",
            "",
            "Belphoebe Quill",
            "",
            NAME,
            "",
            "2024-07-02 07:15:44 UTC",
            "",
            "My offer letter, for you only.",
            "INBOX",
        ),
    ]
    return _csv(header.split(","), rows)


def _rich_media(posts: Sequence[Text]) -> str:
    rows = []
    for post in posts[10:12]:
        hour = post.date.strftime("%I:%M %p").lstrip("0")
        when = f"{post.date:%B} {post.date.day}, {post.date.year} at {hour} (GMT)"
        rows.append(
            (
                f"You uploaded a feed photo on {when}",
                post.body,
                f"https://media.northquay.example/{post.name}.jpg",
            )
        )
    contact = (
        "You uploaded a profile photo on May 2, 2021 at 9:05 AM (GMT)",
        "",
        "https://media.northquay.example/profile.jpg",
    )
    return _csv(("Date/Time", "Media Description", "Media Link"), [*rows, contact])
