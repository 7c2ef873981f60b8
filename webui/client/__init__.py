"""The web interface's only I/O: HTTP to the endpoint, jobs as processes, files through twin's lower floors."""

from __future__ import annotations

from dataclasses import dataclass, field

from twin import params as twin_params
from twin.errors import ParamsError
from twin.params import Params
from twin.settings import Settings
from twin.workspace import Workspace
from webui.client.desk import Desk


@dataclass(frozen=True)
class Client:
    """What every page is given: where things live, and the desk on which drafts are being written."""

    settings: Settings
    desk: Desk = field(default_factory=Desk)

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
