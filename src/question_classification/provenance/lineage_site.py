"""The lineage as one HTML page that opens from disk.

`kedro viz build` makes a folder that needs a web server: to a browser each `file:` address is an origin of its own,
from which it loads neither modules nor data (https://developer.mozilla.org/docs/Web/HTTP/Guides/CORS).
So its script, its style and its data are put into the page itself, and the page is asked for nothing outside.
"""

import argparse
import ast
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from question_classification.provenance.errors import ProvenanceError
from question_classification.provenance.lineage_boxes import draw_boxes

_STYLE = re.compile(r'<link rel="stylesheet" crossorigin href="\./([^"]+)">')
_SCRIPT = re.compile(r'<script type="module" crossorigin src="\./([^"]+)"></script>')
_OUTSIDE = re.compile(r'<link[^>]*"https?://[^>]*>')
_ICON = re.compile(r'<link rel="shortcut icon"[^>]*>')
_ROOT = '<div id="root"></div>'
_MAIN = '<div id="root" role="main"></div>'
_IMPORT = re.compile(r"""(\bfrom|\bimport\(|\bimport)\s*"\./([\w.-]+\.js)\"""")
_PRELOADED = "const __vite__mapDeps="
_LAID_OUT = ("flowDiagram-*.js", "dagre-*.js")
"""The modules by which Kedro-Viz draws the preview of a node, a Mermaid flowchart; it has thirty more, for others."""


def arrange(build: Path, catalog: Mapping[str, Mapping[str, Any]], project: Path) -> None:
    """Arrange the site that `kedro viz build` has made: boxes in its pictures, a description of each node and dataset.

    Args:
        build: the folder of the site.
        catalog: of each dataset, what the catalog has as its metadata.
        project: the folder of the project, from which on paths are shown.
    """
    landmarks = {name for name, metadata in catalog.items() if metadata.get("landmark")}
    for file, graph in _graphs(build).items():
        _write(file, draw_boxes(graph, landmarks))
    for node in _nodes(build):
        file = build / "api" / "nodes" / node["id"]
        if file.exists():
            answer = _read(file)
            description = catalog.get(node["name"], {}).get("description") or _summary(answer.get("code"))
            _write(file, answer | {"description": description, "filepath": _shorten(answer.get("filepath"), project)})


def write_page(build: Path, page: Path) -> None:
    """Write the site that `kedro viz build` has made as one page.

    Args:
        build: the folder of the site.
        page: the page.

    Raises:
        ProvenanceError: the folder does not hold such a site.
    """
    index = build / "index.html"
    if not index.exists():
        raise ProvenanceError(f"{build}: no site of Kedro-Viz. Call `kedro viz build --include-previews` first.")
    text = index.read_text(encoding="utf-8")
    script, style = _SCRIPT.search(text), _STYLE.search(text)
    if not script or not style or _ROOT not in text:
        raise ProvenanceError(f"{index}: has no script and style where Kedro-Viz 12 has them.")
    start = Path(script[1]).name
    ours = Path(__file__)
    parts = [
        f'<script type="application/json" id="answers">{_escape(json.dumps(_read_answers(build / "api")))}</script>',
        *(
            f'<script type="text/plain" data-module="viz/{name}">{_escape(code)}</script>'
            for name, code in _modules((build / script[1]).parent, start).items()
        ),
        f'<script data-start="viz/{start}">{_escape(ours.with_suffix(".js").read_text(encoding="utf-8"))}</script>',
    ]
    styles = [file.read_text(encoding="utf-8") for file in (build / style[1], ours.with_suffix(".css"))]
    text = _ICON.sub('<link rel="icon" href="data:,">', _OUTSIDE.sub("", text)).replace(script[0], "")
    text = text.replace(style[0], f"<style>{''.join(styles)}</style>").replace(_ROOT, "\n".join([_MAIN, *parts]))
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text, encoding="utf-8")


def _modules(assets: Path, start: str) -> dict[str, str]:
    """Return the code of the modules that the page needs, which import each other by name, as no module has an address.

    The first one imports all others once they are needed; only flowcharts will be.
    """
    found: dict[str, str] = {}
    pending = [start, *(file.name for pattern in _LAID_OUT for file in assets.glob(pattern))]
    while pending:
        name = pending.pop()
        if name not in found:
            code = (assets / name).read_text(encoding="utf-8")
            if name != start:
                pending += [imported for _, imported in _IMPORT.findall(code)]
            code = code.replace("import.meta.url", "document.baseURI")
            code = code.replace(_PRELOADED, f"{_PRELOADED}()=>[],__vite__preloaded=")
            found[name] = _IMPORT.sub(r'\1"viz/\2"', code)
    return found


def _graphs(build: Path) -> dict[Path, Any]:
    """Return the pictures of the pipelines, and of all, by their files."""
    api = build / "api"
    return {file: _read(file) for file in (api / "main", *sorted((api / "pipelines").glob("*"))) if file.exists()}


def _nodes(build: Path) -> list[dict[str, Any]]:
    """Return the nodes and datasets of all pictures."""
    return list({node["id"]: node for graph in _graphs(build).values() for node in graph["nodes"]}.values())


def _read_answers(api: Path) -> dict[str, Any]:
    """Return what the API answers, by the path that is asked for."""
    return {file.relative_to(api).as_posix(): _read(file) for file in sorted(api.rglob("*")) if file.is_file()}


def _read(file: Path) -> Any:
    return json.loads(file.read_bytes())


def _write(file: Path, answer: Any) -> None:
    file.write_text(json.dumps(answer), encoding="utf-8")


def _summary(code: str | None) -> str | None:
    r"""Return the first sentence of a function's docstring.

    >>> _summary("def add(a, b):\n    'Add `a` and `b`.'")
    'Add a and b.'
    """
    function = ast.parse(code).body[0] if code else None
    text = ast.get_docstring(function) if isinstance(function, ast.FunctionDef) else None
    return text.split("\n\n")[0].replace("\n", " ").replace("`", "") if text else None


def _shorten(path: str | None, project: Path) -> str | None:
    """Return a path from the project on; Kedro-Viz has it in full, or from the project's parent on.

    >>> _shorten("/home/me/project/data/report.html", Path("/home/me/project"))
    'data/report.html'
    >>> _shorten("project/src/nodes.py", Path("/home/me/project"))
    'src/nodes.py'
    """
    return path and path.removeprefix(f"{project.as_posix()}/").removeprefix(f"{project.name}/")


def _escape(code: str) -> str:
    r"""Write `<` of what would end or open a script as JavaScript's and JSON's literals may have it.

    >>> print(_escape('"</script> <!-- 1 < 2"'))
    "\u003c/script> \u003c!-- 1 < 2"
    """
    return re.sub(r"<(?=/?script|!--)", r"\\u003c", code, flags=re.IGNORECASE)


def _read_catalog(project: Path, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return what the catalog of a project has as the metadata of each dataset."""
    from kedro.framework.startup import bootstrap_project

    from question_classification.provenance.configuration import BaseConfiguration, load_base
    from question_classification.provenance.datasets import Datasets

    bootstrap_project(project)
    configuration = BaseConfiguration(load_base(project), project)
    datasets = Datasets(configuration, project)
    # Kedro-Viz draws the names of one file, `name@how`, as one dataset
    transcoded = {name.partition("@")[0]: name for name in configuration.catalog if "@" in name}
    return {name: datasets.get(transcoded.get(name, name)).config.get("metadata") or {} for name in names}


def main() -> None:
    """Write the page: `python -m question_classification.provenance.lineage_site FOLDER PAGE`."""
    parser = argparse.ArgumentParser(description="The lineage as one HTML page.")
    parser.add_argument("build", type=Path, help="the folder that `kedro viz build` has made, which will be arranged")
    parser.add_argument("page", type=Path, help="the page to write")
    arguments = parser.parse_args()
    project = Path.cwd()
    try:
        names = [node["name"] for node in _nodes(arguments.build) if node["type"] == "data"]
        arrange(arguments.build, _read_catalog(project, names), project)
        write_page(arguments.build, arguments.page)
    except ProvenanceError as error:
        raise SystemExit(f"Error: {error}") from error


if __name__ == "__main__":
    main()
