"""The door: tells who asks, and gives each page the client of its visitor's author and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from nicegui import ui
from nicegui.client import Client as Page
from starlette.requests import HTTPConnection

from twin import accounts, vault
from twin.accounts import Account
from twin.errors import AccountError, TwinError
from twin.settings import Settings
from webui import parts
from webui.access import rules
from webui.access.sessions import COOKIE, Sessions
from webui.access.throttle import Throttle
from webui.client import Client, authors
from webui.client.desk import Desk
from webui.client.visitor import Visitor

AUTHOR_COOKIE = "twin_author"
# A page that is already on its way elsewhere (theme.GOING) goes on: who has just begun another author's twin is led to it.
_TO_LOGIN = "if (!window.going) window.location.assign('/login')"


class NoEntry(TwinError):
    """Nobody is signed in, or what they asked for is not theirs."""


@dataclass(frozen=True, slots=True)
class _Known:
    stamp: tuple[int, int] | None
    accounts: dict[str, Account] | None


class Door:
    """One for a server. Without accounts everybody on this machine is the owner, as long as it is bound to it alone."""

    def __init__(self, settings: Settings) -> None:
        self.house = settings
        self.sessions = Sessions(settings.home / "sessions.json")
        self.throttle = Throttle()
        self._desks: dict[str, Desk] = {}
        self._known = _Known(None, {})
        self._pages: WeakKeyDictionary[Page, tuple[str, Visitor]] = WeakKeyDictionary()
        self._leaving: WeakSet[Page] = WeakSet()

    def accounts(self) -> dict[str, Account] | None:
        """All accounts; empty when there are none, None when the file can't be read: then nobody comes in."""
        try:
            stat = self.house.accounts.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
        except OSError:
            stamp = None
        if stamp != self._known.stamp:
            try:
                self._known = _Known(stamp, accounts.read(self.house.accounts))
            except AccountError:
                self._known = _Known(stamp, None)
        return self._known.accounts

    @property
    def login(self) -> bool:
        """Whether a login is asked."""
        return self.accounts() != {}

    def visitor(self, cookies: Mapping[str, str], *, touch: bool = True) -> Visitor | None:
        """Who sent these cookies; None for nobody."""
        known, wished = self.accounts(), cookies.get(AUTHOR_COOKIE, "")
        if known == {}:
            return Visitor(author=self._author(wished, None))
        session = self.sessions.find(cookies.get(COOKIE, ""), touch=touch)
        account = known.get(session.name) if session and known else None
        # A changed password or role ends what was begun before it; which came first, a clock that was set can't tell.
        if session is None or account is None or session.account != account.changed:
            return None
        return Visitor(
            name=account.name,
            role=account.role,
            login=True,
            authors=account.authors,
            author=self._author(wished, account),
        )

    def stands(self, name: str) -> float:
        """When this account was last changed; 0 for nobody's."""
        account = (self.accounts() or {}).get(name)
        return account.changed if account else 0.0

    def enter(self) -> Client:
        """The client of the page that is being built, which stays held to its visitor; raises NoEntry."""
        page = ui.context.client
        return self._hold(page, self.client(page.request))

    def client(self, request: HTTPConnection) -> Client:
        """The client of who sent this request; raises NoEntry."""
        visitor = self.visitor(request.cookies)
        if visitor is None or not visitor.may(rules.needed(request.url.path)):
            raise NoEntry("this page is not yours to open", request.url.path, "Sign in as somebody who may.")
        settings = authors.settings_of(self.house).get(visitor.author)
        if settings is None:
            raise NoEntry("no author's twin is yours to open", visitor.name, "Ask an owner for one.")
        if not settings.api_key and settings.api_keys.exists():
            settings = replace(settings, api_key=vault.token(self.house, "endpoint"))
        return Client(settings, self._desks.setdefault(visitor.author, Desk()), visitor, self.house)

    def every(self) -> list[Settings]:
        """Every author's settings, for what the server does by itself."""
        return list(authors.settings_of(self.house).values())

    def shut(self) -> None:
        """Send away the pages whose visitor is nobody any more; one that stayed all the same is closed at the next call."""
        for page, (token, visitor) in list(self._pages.items()):
            if self._stands(token, visitor):
                continue
            if page in self._leaving:
                page.delete()
            else:
                self._leaving.add(page)
                page.run_javascript(_TO_LOGIN)

    def uploads_of(self, page_id: str, visitor: Visitor) -> bool:
        """Whether a page is this visitor's own, to upload to."""
        page = Page.instances.get(page_id)
        held = self._pages.get(page) if page else None
        return held is not None and (held[1].name, held[1].author) == (visitor.name, visitor.author)

    def _author(self, wished: str, account: Account | None) -> str:
        mine = [name for name in authors.settings_of(self.house) if account is None or account.may(name)]
        return wished if wished in mine else (mine[0] if mine else "-")

    def _stands(self, token: str, visitor: Visitor) -> bool:
        now = self.visitor({COOKIE: token, AUTHOR_COOKIE: visitor.author}, touch=False)
        if now is not None and not visitor.author:
            # Opened before there was an author: sent away, who has just begun one would not come to the page that follows.
            now = replace(now, author="")
        return now == visitor

    def _hold(self, page: Page, client: Client) -> Client:
        """Bind the page to its visitor: its socket must bring the same session, and a viewer's clicks change nothing."""
        visitor = client.visitor
        token = page.request.cookies.get(COOKIE, "")
        self._pages[page] = (token, visitor)
        shake, handle = page.accept_handshake, page.handle_event

        def accept_handshake(socket_id: str, tab_id: str, environ: dict[str, Any] | None) -> bool:
            brought = HTTPConnection(environ["asgi.scope"]).cookies.get(COOKIE, "") if environ is not None else token
            return brought == token and self._stands(token, visitor) and shake(socket_id, tab_id, environ)

        def handle_event(message: dict[str, Any]) -> None:
            if not self._stands(token, visitor):
                page.run_javascript(_TO_LOGIN)
                return
            self.sessions.find(token)
            if visitor.may("editor") or _only_reads(page, message):
                handle(message)
            elif _meant(page, message):
                with page:
                    ui.notify("You may look here, not change: this was not kept.", type="warning")

        # NiceGUI asks nobody before it runs an element's handler: these two are where every message comes through.
        setattr(page, "accept_handshake", accept_handshake)  # noqa: B010
        setattr(page, "handle_event", handle_event)  # noqa: B010
        return client


def _meant(page: Page, message: dict[str, Any]) -> bool:
    """Whether a person did it: a click or a change of value, not a drawer or a picture that reports its state."""
    element = page.elements.get(int(message.get("id", -1)))
    listener = element._event_listeners.get(str(message.get("listener_id"))) if element is not None else None
    return listener is not None and (listener.type == "click" or isinstance(element, ui.input | ui.switch | ui.select))


def _only_reads(page: Page, message: dict[str, Any]) -> bool:
    element = page.elements.get(int(message.get("id", -1)))
    return element is not None and any(parts.READING in e.classes for e in element.ancestors(include_self=True))
