"""The lineage as one HTML page that opens from disk.

`kedro viz build` makes a folder that needs a web server: to a browser each `file:` address is an origin of its own,
from which it loads neither modules nor data (https://developer.mozilla.org/docs/Web/HTTP/Guides/CORS).
So its script, its style and its data are put into the page itself, and the page is asked for nothing outside.
"""

import argparse
import json
import re
from pathlib import Path
from typing import Any

from question_classification.provenance.errors import ProvenanceError

_STYLE = re.compile(r'<link rel="stylesheet" crossorigin href="\./([^"]+)">')
_SCRIPT = re.compile(r'<script type="module" crossorigin src="\./([^"]+)"></script>')
_OUTSIDE = re.compile(r'<link[^>]*"https?://[^>]*>')
_ICON = re.compile(r'<link rel="shortcut icon"[^>]*>')

# The page's router knows the address "/" alone; `fetch` of its API is answered by what the page holds.
_ANSWERS = """
const answers = JSON.parse(document.getElementById("answers").textContent);
const fetchOutside = window.fetch;
window.fetch = (request, options) => {
  const url = String(request.url ?? request);
  const asked = /(?:^|\\/)api\\/([^?#]+)/.exec(url);
  if (!asked) return fetchOutside(request, options);
  const known = Object.hasOwn(answers, asked[1]);
  return Promise.resolve(new Response(JSON.stringify(known ? answers[asked[1]] : {}), {
    status: known ? 200 : 404, headers: {"Content-Type": "application/json"},
  }));
};
"""


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
    if not script or not style:
        raise ProvenanceError(f"{index}: has no script and style where Kedro-Viz 12 has them.")
    answers = _escape(json.dumps(_read_answers(build / "api")))
    parts = {
        script[0]: f'<script type="application/json" id="answers">{answers}</script>\n<script>{_ANSWERS}</script>\n'
        f'<script type="module">{_escape((build / script[1]).read_text(encoding="utf-8"))}</script>',
        style[0]: f"<style>{(build / style[1]).read_text(encoding='utf-8')}</style>",
    }
    text = _ICON.sub('<link rel="icon" href="data:,">', _OUTSIDE.sub("", text))
    for tag, replacement in parts.items():
        text = text.replace(tag, replacement)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text, encoding="utf-8")


def _read_answers(api: Path) -> dict[str, Any]:
    """Return what the API answers, by the path that is asked for."""
    return {
        file.relative_to(api).as_posix(): json.loads(file.read_bytes())
        for file in sorted(api.rglob("*"))
        if file.is_file()
    }


def _escape(code: str) -> str:
    r"""Write `<` of what would end or open a script as JavaScript's and JSON's literals may have it.

    >>> print(_escape('"</script> <!-- 1 < 2"'))
    "\u003c/script> \u003c!-- 1 < 2"
    """
    return re.sub(r"<(?=/?script|!--)", r"\\u003c", code, flags=re.IGNORECASE)


def main() -> None:
    """Write the page: `python -m question_classification.provenance.lineage_site FOLDER PAGE`."""
    parser = argparse.ArgumentParser(description="The lineage as one HTML page.")
    parser.add_argument("build", type=Path, help="the folder that `kedro viz build` has made")
    parser.add_argument("page", type=Path, help="the page to write")
    arguments = parser.parse_args()
    try:
        write_page(arguments.build, arguments.page)
    except ProvenanceError as error:
        raise SystemExit(f"Error: {error}") from error


if __name__ == "__main__":
    main()
