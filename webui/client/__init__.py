"""The web interface's only I/O: HTTP to the endpoint, jobs as processes, files through twin's lower floors."""

from __future__ import annotations

from dataclasses import dataclass, field

from twin import params as twin_params
from twin.errors import ParamsError
from twin.params import Params
from twin.settings import Settings
from twin.workspace import Workspace
from webui.client import authors
from webui.client.desk import Desk
from webui.client.visitor import Visitor


@dataclass(frozen=True)
class Client:
    """What every page is given: where one author's things live, the desk of their drafts, and who looks."""

    settings: Settings
    desk: Desk = field(default_factory=Desk)
    visitor: Visitor = field(default_factory=Visitor)
    house: Settings | None = None

    def authors(self) -> dict[str, Settings]:
        """Every author of the house by id, for whoever may see them all."""
        return authors.settings_of(self.house or self.settings)

    def params(self) -> Params:
        """params.yaml as it is now; raises ParamsError."""
        return twin_params.load(self.settings.root / "params.yaml")

    def params_or_error(self) -> tuple[Params | None, str]:
        """params.yaml, or None with what is wrong; the text is empty when there is just no file yet."""
        if not (self.settings.root / "params.yaml").exists():
            return None, ""
        try:
            return self.params(), ""
        except ParamsError as error:
            return None, str(error)

    def workspace(self, author: str) -> Workspace:
        """The author's folders."""
        return Workspace(self.settings.root, author)
