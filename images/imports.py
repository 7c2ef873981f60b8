"""`python images/imports.py ENTRY...`: the modules, not our own, that these modules of ours load, however deep and late.

Read from the source, so a module that is imported in a rare branch counts too. images/*.txt are held to it by a test,
and images/e2e.py loads what it prints inside the built image.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OURS = ("twin", "components", "pipelines", "webui", "feature_repo")
ENTRIES = {
    # Feast loads the online store by its name in feature_repo/feature_store.yaml.
    "serving": ("twin.serving.transformer", "twin.serving.predictor", "twin.store.online"),
    "training": ("twin.training.sft",),
}
"""What starts in an image that has a list of its own."""
OPTIONAL = {"liger_kernel"}
"""What serves where it is found and is missed nowhere: no image must hold it."""
FINDERS = ("find_spec", "import_module")


def source(module: str) -> Path | None:
    """The file of a module of ours; None when it is not a module."""
    path = ROOT / module.replace(".", "/")
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)


class Imports(ast.NodeVisitor):
    """Collects the dotted names a file imports or looks for by name; what only a type checker reads is left out."""

    def __init__(self, finders: Sequence[str] = FINDERS) -> None:
        self.found: set[str] = set()
        self.finders = finders

    def visit_If(self, node: ast.If) -> None:
        names = {child.id for child in ast.walk(node.test) if isinstance(child, ast.Name)}
        for part in node.orelse if "TYPE_CHECKING" in names else [node.test, *node.body, *node.orelse]:
            self.visit(part)

    def visit_Import(self, node: ast.Import) -> None:
        self.found.update(name.name for name in node.names)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.level:
            raise ValueError(f"line {node.lineno}: a relative import; write the whole name")
        module = node.module or ""
        self.found.add(module)
        # `from twin.writing import plan` loads a module; `from twin.writing import Draft` does not.
        self.found.update(f"{module}.{name.name}" for name in node.names if source(f"{module}.{name.name}"))

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in self.finders and node.args and isinstance(node.args[0], ast.Constant):
            self.found.add(str(node.args[0].value))
        self.generic_visit(node)


def foreign(*entries: str, finders: Sequence[str] = FINDERS) -> dict[str, str]:
    """Module to the first of ours that imports it, for everything `entries` reach outside our own and the standard.

    `finders` are the functions whose argument counts as an import, too.
    """
    seen: set[str] = set()
    found: dict[str, str] = {}
    todo = [(entry, "") for entry in entries]
    while todo:
        module, by = todo.pop()
        top = module.partition(".")[0]
        if top not in OURS:
            if top not in sys.stdlib_module_names and top not in OPTIONAL:
                found.setdefault(module, by)
            continue
        parts = module.split(".")
        for name in (".".join(parts[:end]) for end in range(1, len(parts) + 1)):
            file = source(name)
            if file is None or name in seen:
                continue
            seen.add(name)
            imports = Imports(finders)
            imports.visit(ast.parse(file.read_text(encoding="utf-8"), str(file)))
            todo += [(one, name) for one in sorted(imports.found)]
    if missing := [entry for entry in entries if entry not in seen]:
        raise ValueError(f"no such module of ours: {', '.join(missing)}")
    return found


if __name__ == "__main__":
    print("\n".join(sorted(foreign(*sys.argv[1:]))))
