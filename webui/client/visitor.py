"""Who looks at a page, and what they may do there."""

from __future__ import annotations

from dataclasses import dataclass

_RANK = {"viewer": 1, "editor": 2, "owner": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """A person at a page. Without a `login` it is whoever sits at this machine: its owner. No `authors` means all."""

    name: str = ""
    role: str = "owner"
    login: bool = False
    authors: tuple[str, ...] = ()
    author: str = ""

    def may(self, least: str) -> bool:
        """Whether the visitor's role is at least this one; an unknown role is less than all."""
        return _RANK.get(self.role, 0) >= _RANK[least]

    def sees(self, author: str) -> bool:
        """Whether this author's twin is theirs to open."""
        return not self.authors or author in self.authors

    @property
    def keeps_house(self) -> bool:
        """An owner of every author: may make authors, accounts and keys."""
        return self.role == "owner" and not self.authors
