"""Rules and dashboards name figures that are really measured, and every alert has a runbook."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MANIFESTS = ROOT / "manifests"
# Figures of others: vLLM, kube-state-metrics, the kubelet, CloudNativePG.
OTHERS = re.compile(r"^(vllm:|kube_|kubelet_|cnpg_)")


def rules() -> list[dict[str, Any]]:
    found = yaml.safe_load((MANIFESTS / "addons" / "prometheus" / "rules.yaml").read_text(encoding="utf-8"))
    return [rule for group in found["spec"]["groups"] for rule in group["rules"]]


def queries() -> dict[str, str]:
    """Where → PromQL, of everything that asks Prometheus."""
    dashboard = json.loads((MANIFESTS / "base" / "monitoring" / "dashboard.json").read_text(encoding="utf-8"))
    found = {f"panel {p['title']} {t['refId']}": t["expr"] for p in dashboard["panels"] for t in p["targets"]}
    found |= {f"alert {rule['alert']}": rule["expr"] for rule in rules()}
    for path in (MANIFESTS / "components").glob("*/*.yaml"):
        for number, query in enumerate(re.findall(r"(?:query|value): (\w+\(.*)", path.read_text(encoding="utf-8"))):
            found[f"{path.parent.name} {number}"] = query
    return found


def names(query: str) -> set[str]:
    """The metrics a query names: what stands before a selector."""
    return set(re.findall(r"([a-z_:][a-z0-9_:]*)\{", query))


@pytest.mark.skipif(
    not (ROOT / "twin" / "serving" / "metrics.py").exists(), reason="the transformer measures nothing of its own yet"
)
@pytest.mark.parametrize("where", sorted(queries()))
def test_every_figure_is_measured_somewhere(where: str) -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "twin").rglob("*.py"))
    found = names(queries()[where])
    assert found, "a query without a figure"
    for name in found:
        if OTHERS.match(name):
            continue
        ours = re.sub(r"_(bucket|sum|count|total)$", "", name)
        assert re.search(rf'["\']{ours}(_total)?["\']', code), f"{name} is measured nowhere in twin/"


def test_every_alert_has_a_runbook_that_exists() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    anchors = {re.sub(r"[^a-z0-9 -]", "", line.strip("# \n").lower()).replace(" ", "-") for line in
               text.splitlines() if line.startswith("#")}  # fmt: skip
    for rule in rules():
        page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert page == "docs/operations.md" and anchor in anchors, rule["alert"]
        assert rule["labels"]["severity"] in ("warning", "critical") and rule["annotations"]["summary"]


# A figure that is away is no number: without a word for that, what is dead altogether would alert nobody.
SILENT = re.compile(r"absent\(|unless on\(\)")


@pytest.mark.parametrize("name", ["EndpointDown", "PredictorDown", "DatabaseDown", "BackupMissing", "DriftUnwatched"])
def test_what_is_gone_altogether_alerts_as_well(name: str) -> None:
    (rule,) = [rule for rule in rules() if rule["alert"] == f"Twin{name}"]
    assert SILENT.search(rule["expr"])


def test_a_canary_of_the_time_that_params_give_it_alerts_nobody() -> None:
    from twin import params as parameters

    (rule,) = [rule for rule in rules() if rule["alert"] == "TwinCanaryLeft"]
    assert rule["for"] == "3h" and parameters.load(ROOT / "params.yaml").cluster.canary_seconds < 3 * 3600
