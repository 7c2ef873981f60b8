"""The images' scripts and Dockerfiles: sound, skipped with a word, and nothing is lost where podman is spoken to."""

from __future__ import annotations

import copy
import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "images"


def test_dockerfiles_and_scripts_are_sound() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    files = sorted(str(file) for file in IMAGES.glob("*.Dockerfile"))
    done = subprocess.run([str(hadolint), *files], capture_output=True, text=True)
    assert len(files) == 4 and (done.returncode, done.stdout) == (0, "")
    for script in IMAGES.glob("*.sh"):
        assert subprocess.run(["sh", "-n", str(script)], capture_output=True).returncode == 0, script


def test_every_image_ends_as_a_user_without_rights() -> None:
    for file in IMAGES.glob("*.Dockerfile"):
        text = file.read_text(encoding="utf-8")
        if file.name == "webui.Dockerfile":
            assert text.splitlines()[2] == "FROM ${CPU}" and "USER" not in text  # What twin-cpu ends with.
            continue
        last = text.rpartition("\nFROM ")[2]
        assert re.findall(r"^USER (.*)$", last, re.MULTILINE) == ["1000:1000"]
        assert "find / -xdev -type f -perm /6000 -exec chmod a-s {} +" in last


@pytest.mark.parametrize(
    ("there", "word"),
    [((), "skipped, podman is not on this machine"), (("podman",), "skipped, kubectl is not on this machine"),
     (("podman", "kubectl"), "skipped, there is neither BASE nor debootstrap")],
)  # fmt: skip
def test_the_trial_is_skipped_with_a_word_where_something_is_missing(
    tmp_path: Path, there: tuple[str, ...], word: str
) -> None:
    for name in ("dirname", "mktemp", "rm"):
        (tmp_path / name).symlink_to(shutil.which(name) or "")
    for name in there:
        (tmp_path / name).symlink_to("/bin/false")
    shell = shutil.which("sh")
    assert shell
    environment = {"PATH": str(tmp_path), "TMPDIR": str(tmp_path)}
    done = subprocess.run([shell, str(IMAGES / "e2e.sh")], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"images-e2e: {word}")


def test_an_image_takes_the_lock_without_what_only_tests_need() -> None:
    lock, dev_in = ROOT / "requirements" / "lock.txt", ROOT / "requirements" / "dev.in"
    command = ["sh", str(IMAGES / "drop-dev.sh"), str(lock), str(dev_in)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    def names(text: str) -> set[str]:
        return {m.lower().replace("_", "-") for m in re.findall(r"^([A-Za-z0-9._-]+)", text, re.MULTILINE)}

    dev = names(dev_in.read_text(encoding="utf-8"))
    dropped = names(lock.read_text(encoding="utf-8")) - names(done.stdout)
    assert dev <= dropped
    assert all(name in dev or name.startswith("types-") for name in dropped), dropped - dev


@pytest.fixture
def kube_play(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(IMAGES))
    for name in ("containers", "kube_play"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    module = importlib.import_module("kube_play")
    yield module
    for name in ("containers", "kube_play"):
        sys.modules.pop(name, None)


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not on this machine: it renders the overlay")
def test_a_played_deployment_keeps_its_commands_limits_and_locks(kube_play: Any) -> None:
    secrets = {"twin-postgres-app": {"host": "db", "username": "twin", "password": "p", "uri": "postgresql://db"}}
    deployments = [found for found in kube_play.rendered() if found["kind"] == "Deployment"]
    assert {found["metadata"]["name"] for found in deployments} == set(kube_play.PAGES)
    for found in deployments:
        before = copy.deepcopy(found)
        played = kube_play.playable(found, secrets, "e2e")
        assert found == before
        pod, was = played["spec"]["template"]["spec"], before["spec"]["template"]["spec"]
        assert pod["securityContext"] == was["securityContext"]
        (main,), (old,) = pod["containers"], was["containers"]
        for kept in ("command", "args", "resources", "securityContext"):
            assert main.get(kept) == old.get(kept)
        assert "$(" not in str(main["env"])
        assert {mount["name"] for mount in main["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
        assert main["image"] == f"localhost/{old['image'].partition(':')[0]}:e2e"
        page = kube_play.PAGES[before["metadata"]["name"]].rstrip("/")
        assert page in main["readinessProbe"]["exec"]["command"][-1]


def test_memory_is_read_as_kubernetes_writes_it(kube_play: Any) -> None:
    assert kube_play.bytes_of("2Gi") == 2 << 30
    assert kube_play.bytes_of("768Mi") == 768 << 20
