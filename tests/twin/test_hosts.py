"""The ways out of the machine: the list is whole, it is kept to, and nothing else in the code opens a connection."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from twin import hosts
from twin.errors import NetworkError

ROOT = Path(__file__).parents[2]
# What opens connections in Python, in the standard library and in what the project uses.
OPENERS = {
    "httpx", "httpcore", "requests", "urllib3", "aiohttp", "socket", "http.client", "urllib.request", "ftplib", "smtplib",
    "telnetlib", "websockets", "websocket", "huggingface_hub", "scrapy.crawler", "twisted.internet", "openai", "paramiko",
    "xmlrpc.client", "opentelemetry.exporter.otlp.proto.http.trace_exporter", "grpc", "boto3",
}  # fmt: skip


def imports(path: Path) -> set[str]:
    found = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing = {
        inner for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }  # fmt: skip
    for node in ast.walk(tree):
        if node in typing:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {opener for opener in OPENERS for name in found if name == opener or name.startswith(f"{opener}.")}


def test_every_module_that_opens_connections_is_listed():
    listed = {module for way in hosts.WAYS for module in way.modules} | set(hosts.HERE)
    opening = {}
    for folder in ("twin", "webui"):
        for path in (ROOT / folder).rglob("*.py"):
            if found := imports(path):
                opening[".".join(path.relative_to(ROOT).with_suffix("").parts)] = sorted(found)
    assert {name: found for name, found in opening.items() if name not in listed} == {}
    files = {module for module in listed if not (ROOT / f"{module.replace('.', '/')}.py").is_file()}
    assert files == set()


@pytest.mark.parametrize("way", hosts.WAYS, ids=lambda way: way.purpose)
def test_a_way_leads_to_this_machine_or_where_it_is_meant_to(way):
    for url in ("http://127.0.0.1:9/x", "http://localhost/", "http://[::1]:4/"):
        assert hosts.check(way.purpose, url) == url
    for host in way.hosts or ("judge.example", "10.0.0.5"):
        assert hosts.check(way.purpose, f"https://{host}/x")
    for url in (
        "http://169.254.169.254/latest/", "http://[::ffff:169.254.169.254]/", "http://metadata.google.internal/",
        "file:///etc/passwd", "ftp://x.example/", "x", "", "http://", "http://[::1",
    ):  # fmt: skip
        with pytest.raises(NetworkError):
            hosts.check(way.purpose, url)
    if way.hosts:
        for host in ("evil.example", f"{way.hosts[0]}.evil.example", f"evil-{way.hosts[0]}"):
            with pytest.raises(NetworkError, match="is listed in"):
                hosts.check(way.purpose, f"https://{host}/")


def test_the_judge_asks_no_metadata_service():
    from twin.evaluation import judge

    with pytest.raises(NetworkError):
        judge.client("http://169.254.169.254/v1", "other-model", "", "bundled")
