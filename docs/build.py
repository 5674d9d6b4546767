"""Build the site into build/docs: `make docs`.

The pages of docs/ are Jinja templates, so that each figure in them comes from data/08_reporting/metrics.json and not
from a keyboard. Pages of the rest of the repository (a pipeline's README, the parameters, the catalog) join them as
the reference. Mermaid's diagrams become SVG here, and nothing is fetched, neither now nor when a page is opened.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from posixpath import normpath, relpath
from typing import Any

import jinja2
import mmdr

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
STAGE = ROOT / "build" / "docs-source"
REPORTING = ROOT / "data" / "08_reporting"
PIPELINES = ROOT / "src" / "question_classification" / "pipelines"
CONFIGURATION = ROOT / "conf" / "base"

# Pages of the repository that are pages of the site, too: where links to them lead
PLACES = {
    "README.md": "index.md",
    "NOTICE": "reference/notice.md",
    "CONTRIBUTING.md": "reference/contributing.md",
    "CHANGELOG.md": "reference/changelog.md",
    "src/question_classification/stackexchange/server/README.md": "reference/simulated-api.md",
    **{
        page.relative_to(ROOT).as_posix(): f"reference/pipelines/{page.parent.name}.md"
        for page in PIPELINES.glob("*/README.md")
    },
}
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)(?=[)#])")
_SCALE = 0.75  # of the diagrams, so that their text is as large as that of a table
_MERMAID = re.compile(r"^```mermaid\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def build() -> None:
    """Write the staged pages, and have Zensical make the site of them; a dead link or anchor fails."""
    shutil.rmtree(STAGE, ignore_errors=True)
    for place, text in pages():
        write(place, draw_diagrams(text, place))
    for asset in (DOCS / "assets").iterdir():
        write(f"assets/{asset.name}", asset.read_bytes())
    for figure in (REPORTING / "figures").glob("*.png"):
        write(f"figures/{figure.name}", figure.read_bytes())
    zensical = Path(sys.executable).with_name("zensical")
    made = subprocess.run([zensical, "build", "--strict", "--clean"], cwd=ROOT, check=False)  # noqa: S603
    sys.exit(made.returncode)


def pages() -> Iterator[tuple[str, str]]:
    """Yield the place of each page below the site's root, and its Markdown."""
    metrics = json.loads((REPORTING / "metrics.json").read_text())
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701 (Markdown)
    for page in DOCS.rglob("*.md"):
        place = page.relative_to(DOCS).as_posix()
        template = environment.from_string(page.read_text())
        text = template.render(Record(metrics).names(place))
        yield place, move_links(text, f"docs/{place}", place)
    for source, place in PLACES.items():
        if place != "index.md":
            text = (ROOT / source).read_text()
            text = text if source.endswith(".md") else f"# {Path(source).name.capitalize()}\n\n```text\n{text}```\n"
            yield place, move_links(text, source, place)
    yield "reference/parameters.md", describe_parameters()
    yield "reference/catalog.md", describe_catalog()
    yield "reference/commands.md", describe_commands()


class Record:
    """What the pages say of the run that data/08_reporting/metrics.json is the record of."""

    def __init__(self, metrics: dict[str, Any]) -> None:
        self.metrics = metrics

    def names(self, place: str) -> dict[str, Any]:
        """Return the names that a page may use."""
        data = self.metrics["data"]
        simulated = data["source"] == "simulated"
        return {
            "metrics": self.metrics,
            "data": data,
            "prevalence": f"{data['positives'] / data['rows']:.1%}",
            "whose": "simulated questions" if simulated else f"questions of {data['site']}",
            "with_interval": self.with_interval,
            "figure": lambda name, alt: self.figure(name, alt, place),
        }

    def with_interval(self, part: dict[str, Any], metric: str = "average_precision") -> str:
        """Return a metric and its interval, such as `0.465 [0.426, 0.509]`."""
        low, high = part[f"{metric}_interval"]
        return f"{part[metric]:.3f} [{low:.3f}, {high:.3f}]"

    def figure(self, name: str, alt: str, place: str) -> str:
        """Return a figure of the report, with a caption that says what it was made from; or that there is none yet."""
        if not (REPORTING / "figures" / f"{name}.png").exists():
            return f"*(The figure `{name}.png` is made by `make run`, after which `make docs` shows it here.)*"
        data = self.metrics["data"]
        kind = "simulated questions" if data["source"] == "simulated" else f"questions of {data['site']}"
        path = relpath(f"figures/{name}.png", Path(place).parent.as_posix())
        caption = f"*{alt}. Made by `make run` from {data['rows']:,} {kind}.*"
        return f"![{alt}]({path})\n\n{caption}"


def move_links(text: str, source: str, place: str) -> str:
    """Let relative links of a page in the repository lead to the same pages of the site.

    Raises:
        ValueError: a link leads to nothing that the site has.
    """

    def move(link: re.Match[str]) -> str:
        target = normpath(f"{Path(source).parent.as_posix()}/{link[1]}")
        if not (ROOT / target).exists() and not target.startswith(("docs/reference/", "docs/figures/")):  # made here
            raise ValueError(f"{source}: its link to {link[1]} leads nowhere")
        moved = target.removeprefix("docs/") if target.startswith("docs/") else PLACES.get(target)
        if moved is None:
            raise ValueError(f"{source}: its link to {link[1]} leads to no page of the site")
        return relpath(moved, Path(place).parent.as_posix())

    fences = re.split(r"(^```.*?^```$)", text, flags=re.DOTALL | re.MULTILINE)
    return "".join(part if number % 2 else _LINK.sub(move, part) for number, part in enumerate(fences))


def draw_diagrams(text: str, place: str) -> str:
    """Put SVG in place of Mermaid's diagrams.

    Raises:
        ValueError: the renderer gives a diagram no width.
    """
    numbers = iter(range(1, 100))

    def draw(block: re.Match[str]) -> str:
        name = re.sub(r"\W+", "-", f"{place}-{next(numbers)}")
        svg = mmdr.render(block[1]).svg().replace("merman", name)
        svg = svg.replace("<svg ", '<svg role="img" aria-label="Diagram of what follows from what" ', 1)
        svg = re.sub(r' role="graphics-document document"| aria-roledescription="[^"]*"', "", svg)
        width = re.search(r"max-width: ?([\d.]+)px", svg)
        if not width:
            raise ValueError(f"{place}: {name} has no width as mmdr renders it")
        svg = svg.replace('width="100%"', f'width="{_SCALE * float(width[1]):.0f}"', 1)
        return f'<div class="diagram" tabindex="0" role="group" aria-label="Diagram" data-search-exclude>{svg}</div>'

    return _MERMAID.sub(draw, text)


def describe_parameters() -> str:
    """Return the parameters as they are configured, comments and all."""
    files = [CONFIGURATION / "globals.yml", *sorted(CONFIGURATION.glob("parameters*.yml"))]
    parts = ["# Parameters", "What `conf/base` holds. A misspelt name or a wrong value is refused before a run starts."]
    parts += [f"## {file.stem}\n\n`conf/base/{file.name}`\n\n```yaml\n{file.read_text()}```" for file in files]
    return "\n\n".join(parts) + "\n"


def describe_catalog() -> str:
    """Return a table of the datasets of each layer, from the names and comments of the catalog."""
    entry = re.compile(r'^"?([^\s"#_][^\s"]*)"?:(?: [&*]\w+)?(?: # (.*))?$', re.MULTILINE)
    parts = [
        "# Catalog",
        "The datasets of `conf/base/catalog_*.yml`. What stands in braces is a pattern: one entry for many.",
    ]
    for file in sorted(CONFIGURATION.glob("catalog_*.yml")):
        rows = [f"| `{name}` | {comment} |" for name, comment in entry.findall(file.read_text())]
        layer = file.stem.removeprefix("catalog_")
        parts += [f"## {layer}", "\n".join(["| dataset | what it is |", "|---|---|", *rows])]
    return "\n\n".join(parts) + "\n"


def describe_commands() -> str:
    """Return what `make` offers."""
    targets = re.findall(r"^([a-z-]+):.*## (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    rows = [f"| `make {target}` | {what} |" for target, what in targets]
    return "\n".join(["# Commands of make", "", "| command | what it does |", "|---|---|", *rows]) + "\n"


def write(place: str, content: str | bytes) -> None:
    """Write a file below the staged root."""
    path = STAGE / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


if __name__ == "__main__":
    build()
