"""`python images/pin.py TAG [REGISTRY]`: name this tag (and registry) for our images in manifests/images."""

import sys
from pathlib import Path

from ruamel.yaml import YAML

FILE = Path(__file__).resolve().parent.parent / "manifests" / "images" / "kustomization.yaml"


def pin(file: Path, tag: str, registry: str = "") -> None:
    """Rewrite `newTag`, and with a registry `newName`, of every entry whose name begins with twin-; comments stay."""
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    content = yaml.load(file.read_text(encoding="utf-8"))
    for entry in content["images"]:
        if entry["name"].startswith("twin-"):
            entry.pop("digest", None)
            entry["newTag"] = tag
            if registry:
                entry["newName"] = f"{registry}/{entry['name']}"
    with open(file, "w", encoding="utf-8") as out:
        yaml.dump(content, out)


if __name__ == "__main__":
    pin(FILE, *sys.argv[1:3])
