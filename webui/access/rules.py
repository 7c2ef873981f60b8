"""What each page and route asks for: the one table that the guard, the menu and the tests read."""

from __future__ import annotations

# Open to everybody: how to come in, and that the service lives.
OPEN = frozenset({"/login", "/login/sso", "/login/sso/back", "/healthz", "/favicon.ico"})

_NEEDED = {
    "/": "viewer", "/library": "viewer", "/drafts": "viewer", "/evaluation": "viewer", "/monitoring": "viewer",
    "/report/evaluation": "viewer", "/report/monitoring": "viewer", "/logout": "viewer", "/author": "viewer",
    "/password": "viewer",
    "/write": "editor", "/sources": "editor", "/train": "editor", "/evaluation/blind": "editor", "/settings": "owner",
}  # fmt: skip
# NiceGUI's own: scripts, styles, its socket, uploads and downloads, each bound to its page's visitor.
SOCKET = "/_nicegui_ws/"
_MACHINERY = ("/_nicegui/", SOCKET)
UPLOADS = "/_nicegui/client/"


def needed(path: str) -> str:
    """The least role that may ask for a path; what nobody has thought of is the owner's."""
    if path.startswith(UPLOADS):
        return "editor"
    if path.startswith(_MACHINERY):
        return "viewer"
    return _NEEDED.get(path.rstrip("/") or "/", "owner")
