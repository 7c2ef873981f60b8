"""The scan for secrets finds what it is to find and says nothing of it but its place; what git holds is clean."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_secrets_are_found_and_not_repeated(tmp_path):
    spec = spec_from_file_location("secret_scan", ROOT / "tools" / "secret_scan.py")
    scan = module_from_spec(spec)
    spec.loader.exec_module(scan)
    planted = {
        "a.py": "key = 'AKIA" + "IOSFODNN7EXAMPLQ'", "b.env": "TOKEN=ghp_" + "a1B2" * 9, "c.pem": "-----BEGIN RSA PRIVATE " + "KEY-----",
        "d.txt": "postgres://ann:" + "hunter22@db.example/x",
    }  # fmt: skip
    for name, text in planted.items():
        (tmp_path / name).write_text(text + "\n")
    found = scan.findings([tmp_path / name for name in planted])
    assert len({line.split(":")[0] for line in found}) == len(planted)
    assert not any(secret in line for line in found for secret in ("IOSFODNN7", "a1B2", "hunter22"))
    (tmp_path / "plain.py").write_text('password = "not looked for by its name"\n')
    assert scan.findings([tmp_path / "plain.py"]) == []
