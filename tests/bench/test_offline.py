"""With the network cut off, a folder of texts is handed in, collected and prepared: a namespace with nothing but loopback."""

from __future__ import annotations

import subprocess

import pytest

from bench import offline


@pytest.mark.slow
def test_texts_are_collected_and_prepared_without_a_network(tmp_path):
    if why := offline.available():
        pytest.skip(f"no network can be cut off here: {why}")
    said = offline.cut_off(tmp_path / "root", "--stages", "collect,prepare")
    assert [line.split("|")[1].strip() for line in said.splitlines()] == ["twin init", "twin collect", "twin prepare"]
    assert list((tmp_path / "root").glob("data/*/documents/*.parquet"))


def test_the_namespace_has_no_way_out():
    if why := offline.available():
        pytest.skip(f"no network can be cut off here: {why}")
    seen = ["sh", "-c", "ip link set lo up && cat /proc/net/dev && ip route get 192.0.2.1"]
    done = subprocess.run(["unshare", "-n", *seen], capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "eth" not in done.stdout and "lo:" in done.stdout
