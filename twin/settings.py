"""What the environment says: where things live and which services to use. Read on call, never at import."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from twin.errors import SettingsError
from twin.redact import learn, password

# Settings that are struck wherever they would be said, and addresses of which the password is.
SECRETS = (
    "github_token", "linkedin_token", "linkedin_post_token", "writer_key", "judge_key", "api_key", "predictor_key",
    "oidc_secret",
)  # fmt: skip
ADDRESSES = ("database_url", "mlflow_uri", "otlp_endpoint", "writer_url", "judge_url")


@dataclass(frozen=True, slots=True)
class Settings:
    """`home` keeps what is not versioned (Postgres, MLflow, models' cache, logs); empty URLs mean the embedded part.

    `author_home` keeps what belongs to the root's author alone where several authors share a home. `webui_host` is the
    address that the web interface listens on, `webui_names` are the host names it answers to (empty: any).
    `predictor_key` is what the local stack's predictor asks of its one client, the transformer.
    `writer_url` is an OpenAI-compatible address (with /v1) of a stronger model that writes briefs; it reads the texts.
    """

    root: Path
    home: Path
    database_url: str
    mlflow_uri: str
    predictor_url: str
    endpoint_url: str
    github_token: str
    webui_port: int
    endpoint_port: int
    predictor_port: int
    writer_url: str = ""
    writer_model: str = ""
    writer_key: str = ""
    linkedin_token: str = ""
    judge_url: str = ""
    judge_model: str = ""
    judge_key: str = ""
    api_key: str = ""
    predictor_key: str = ""
    otlp_endpoint: str = ""
    linkedin_post_token: str = ""
    linkedin_url: str = "https://api.linkedin.com"
    author_home: Path | None = None
    webui_host: str = "127.0.0.1"
    webui_names: tuple[str, ...] = ()
    oidc_issuer: str = ""
    oidc_client: str = ""
    oidc_secret: str = ""

    @property
    def private(self) -> Path:
        """What belongs to one author alone: progress, jobs, tokens, posts that wait for their time."""
        return self.author_home or self.home

    @property
    def accounts(self) -> Path:
        """The file of people's accounts; while there is none, the interface asks for no login on this machine."""
        return self.home / "accounts.json"

    @property
    def api_keys(self) -> Path:
        """The file of clients' keys, hashed; while there is none, the endpoint asks for no key."""
        return self.home / "api_keys.json"

    @property
    def progress(self) -> Path:
        """Folder of the progress files that the web interface follows."""
        return self.private / "progress"

    @property
    def logs(self) -> Path:
        """Folder of the local stack's log files."""
        return self.home / "logs"


def _port(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    if not (text.isdecimal() and 0 < int(text) < 65_536):
        raise SettingsError(f"the port {name}", repr(text), f"Give a whole number from 1 to 65535, such as {default}.")
    return int(text)


def load() -> Settings:
    """Read the environment. SettingsError for a port that is none."""
    env = os.environ
    root = Path(env.get("TWIN_ROOT", ".")).resolve()
    home = Path(env.get("TWIN_HOME", root / ".twin")).resolve()
    author_home = env.get("TWIN_AUTHOR_HOME", "")
    predictor_port = _port("TWIN_PREDICTOR_PORT", 8082)
    endpoint_port = _port("TWIN_ENDPOINT_PORT", 8081)
    settings = Settings(
        root=root,
        home=home,
        database_url=env.get("DATABASE_URL", ""),
        mlflow_uri=env.get("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow' / 'mlflow.db'}"),
        predictor_url=env.get("TWIN_PREDICTOR_URL", f"http://127.0.0.1:{predictor_port}"),
        endpoint_url=env.get("TWIN_ENDPOINT_URL", f"http://127.0.0.1:{endpoint_port}"),
        writer_url=env.get("TWIN_WRITER_URL", ""),
        writer_model=env.get("TWIN_WRITER_MODEL", ""),
        writer_key=env.get("TWIN_WRITER_KEY", ""),
        github_token=env.get("GITHUB_TOKEN", ""),
        judge_url=env.get("TWIN_JUDGE_URL", ""),
        judge_model=env.get("TWIN_JUDGE_MODEL", ""),
        judge_key=env.get("TWIN_JUDGE_KEY", ""),
        webui_port=_port("TWIN_WEBUI_PORT", 8080),
        endpoint_port=endpoint_port,
        predictor_port=predictor_port,
        api_key=env.get("TWIN_API_KEY", ""),
        predictor_key=env.get("TWIN_PREDICTOR_KEY", ""),
        otlp_endpoint=env.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
        linkedin_post_token=env.get("LINKEDIN_POST_TOKEN", ""),
        linkedin_url=env.get("TWIN_LINKEDIN_URL", "https://api.linkedin.com"),
        linkedin_token=env.get("LINKEDIN_TOKEN", ""),
        author_home=Path(author_home).resolve() if author_home else None,
        webui_host=env.get("TWIN_WEBUI_HOST", "127.0.0.1"),
        webui_names=tuple(env.get("TWIN_WEBUI_NAMES", "").replace(",", " ").split()),
        oidc_issuer=env.get("TWIN_OIDC_ISSUER", "").rstrip("/"),
        oidc_client=env.get("TWIN_OIDC_CLIENT_ID", ""),
        oidc_secret=env.get("TWIN_OIDC_CLIENT_SECRET", ""),
    )
    learn(*(getattr(settings, name) for name in SECRETS), *(password(getattr(settings, name)) for name in ADDRESSES))
    return settings
