"""What installs the operators names the versions of the definitions and of the documents, and every operator there is."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from twin.cluster.kubectl import OPERATORS, lacking

ROOT = Path(__file__).resolve().parents[2]


def versions(script: str) -> dict[str, str]:
    """Project → version, of every address in a script."""
    text = (ROOT / "tools" / script).read_text(encoding="utf-8")
    found = re.findall(r"(?:\$\w+|https://github\.com)/[\w.-]+/([\w-]+?)(?:\.git)?/\S*?v(\d+\.\d+\.\d+)", text)
    assert len(found) >= 6
    return dict(found)


def installed(tmp_path: Path, *names: str) -> list[str]:
    """What the script asks kubectl for."""
    (tmp_path / "kubectl").write_text(f'#!/bin/sh\necho "kubectl $*" >> {tmp_path}/asked\n')
    (tmp_path / "kubectl").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(["sh", str(ROOT / "tools" / "operators.sh"), *names], env={**os.environ, "PATH": path},
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [
        line.removeprefix("kubectl ")
        for line in (tmp_path / "asked").read_text().splitlines()
        if line.startswith("kubectl apply")
    ]


def test_definitions_that_are_checked_are_those_that_are_installed() -> None:
    checked, put = versions("crds.sh"), versions("operators.sh")
    assert {name: put[name] for name in checked} == checked
    table = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").partition("## Install")[0]
    for version in checked.values():
        assert version.rpartition(".")[0] in table, version


@pytest.mark.parametrize("group", sorted(OPERATORS))
def test_every_operator_that_can_be_missing_is_installed_by_the_command_that_the_error_names(
    group: str, tmp_path: Path
) -> None:
    found = re.search(r"`sh tools/operators\.sh (\S+)`", str(lacking(group)))
    assert found and installed(tmp_path, found[1])


def test_an_overlay_s_operators_come_by_its_name_and_what_is_unknown_is_refused(tmp_path: Path) -> None:
    asked = "\n".join(installed(tmp_path, "prod"))
    for project in ("cert-manager", "cloudnative-pg", "kserve", "jobset", "trainer", "feast", "gateway-api", "keda"):
        assert project in asked
    assert all(line.startswith("apply --server-side") for line in asked.splitlines())
    wrong = subprocess.run(["sh", str(ROOT / "tools" / "operators.sh"), "helm"], capture_output=True, text=True)
    assert wrong.returncode == 1 and "no operator is called helm" in wrong.stderr
