"""Every way out of this machine: its purpose, the modules that take it, and the hosts that it may lead to.

Nothing else in the twin or its web interface opens a connection to another machine; a test reads the code for that.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from twin.errors import NetworkError

# Where nobody's service lives: link-local addresses, the clouds' metadata services among them.
_METADATA = ("metadata.google.internal", "metadata.goog", "metadata")


@dataclass(frozen=True, slots=True)
class Way:
    """One way out. `hosts` are all that it may lead to; empty: the host that `named` names, which a person sets.

    `gives` says what leaves the machine on it. Addresses of this very machine are always fine.
    """

    purpose: str
    modules: tuple[str, ...]
    named: str
    gives: str
    hosts: tuple[str, ...] = ()


WAYS = (
    Way("sources", ("twin.sources.spider", "twin.sources.guard"), "the sources of params.yaml",
        "requests for pages, to public addresses only; a token to its own API alone"),
    Way("links", ("twin.sources.fetch",), "the links of a brief", "requests for these pages, to public addresses only"),
    Way("publishing", ("webui.client.linkedin",), "TWIN_LINKEDIN_URL", "a post that a person publishes, with their token",
        ("api.linkedin.com",)),
    Way("sign-on", ("webui.access.oidc",), "TWIN_OIDC_ISSUER", "the code of a person's sign-on"),
    Way("base model", ("twin.basemodel",), "train.base_model", "the model's name", ("huggingface.co",)),
    Way("judge", ("twin.evaluation.judge",), "TWIN_JUDGE_URL", "drafts and held-out texts, to be compared"),
    Way("writer of briefs", ("twin.stages.summaries",), "TWIN_WRITER_URL", "the texts that briefs are made from"),
    Way("notices", ("twin.cluster.notify",), "TWIN_NOTIFY_URL", "a pipeline's name and how it ended"),
    Way("pipelines", ("twin.cluster.state", "twin.cluster.probe"), "KFP_URL", "questions about runs, a trial request"),
    Way("predictor", ("twin.generation",), "TWIN_PREDICTOR_URL", "prompts with the author's texts"),
    Way("endpoint", ("twin.local.draft", "webui.client.endpoint"), "TWIN_ENDPOINT_URL", "briefs"),
    Way("traces", ("twin.tracing",), "OTEL_EXPORTER_OTLP_ENDPOINT", "names and lengths of steps, no texts"),
)  # fmt: skip
# Modules that speak to this machine alone: ports they try, processes they have started.
HERE = (
    "twin.local.doctor_services", "twin.local.processes", "twin.local.stack", "twin.serving.engine", "twin.serving.http",
    "twin.serving.predictor", "twin.sources.guard", "twin.stages.evaluate_drafts", "webui.main",
)  # fmt: skip


def check(purpose: str, url: str) -> str:
    """`url` when the way of this purpose may lead there; raises NetworkError saying what is wrong with it."""
    way = next(way for way in WAYS if way.purpose == purpose)
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        host, parts = "", urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise NetworkError(f"the address for {purpose} is no web address", url[:200], f"Look at {way.named}.")
    if here(host):
        return url
    if host in _METADATA or _link_local(host):
        raise NetworkError(f"the address for {purpose} is a machine's own secrets", url[:200], f"Look at {way.named}.")
    if way.hosts and host not in way.hosts:
        known = ", ".join(way.hosts)
        raise NetworkError(f"{purpose} may not lead there", url[:200], f"Only {known} is listed in twin/hosts.py.")
    return url


def here(host: str) -> bool:
    """Whether a host's name or address is this machine's own."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _link_local(host: str) -> bool:
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return False
    inner = getattr(found, "ipv4_mapped", None) or found
    return inner.is_link_local or str(inner) == "fd00:ec2::254"
