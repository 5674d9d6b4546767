"""A page that needs nothing but itself, and in which nothing runs but our own scripts.

Style and scripts are files of the package that are put into the page. Whatever else the page shows may come from
anywhere: it is escaped, and the page's Content Security Policy lets a browser run only scripts of these very bytes, and
ask nobody for anything.
"""

import base64
import hashlib
import json
import re
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

# What no HTML may hold, or no UTF-8: control characters, lone surrogates, two that are no characters. And what would
# turn the direction of writing around beyond the text that it is in, even out of a <bdi>.
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_NOT_IN_SCRIPT = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
_ENDS_ELEMENT = re.compile(r"<(!--|/?script|/style)", re.IGNORECASE)


def render_page(template: str, **context: Any) -> str:
    """Fill a template of the package, which finds its style and scripts in `page`.

    Args:
        template: its name.
        context: whatever else it asks for.
    """
    environment = Environment(
        loader=PackageLoader("question_classification.pipelines.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_clean,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"embed_json": embed_json, "web_link": web_link, "shorten": shorten}
    return environment.get_template(template).render(page=Page(environment), **context)


class Page:
    """The style and the scripts of a page: files of the package, and the policy that allows just these.

    The policy knows what has been put into the page before it was asked for, so a template sets its body aside first.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._allowed: dict[str, list[str]] = {"style": [], "script": []}

    def style(self, *names: str) -> Markup:
        """Return a `<style>` of these files."""
        return self._put("style", *names)

    def script(self, *names: str) -> Markup:
        """Return a `<script>` of these files."""
        return self._put("script", *names)

    @property
    def policy(self) -> str:
        """A Content Security Policy that allows what has been put into the page, to the byte, and nothing else."""
        allowed = [f"{kind}-src {' '.join(hashes)}" for kind, hashes in self._allowed.items() if hashes]
        return "; ".join(["default-src 'none'", *allowed, "base-uri 'none'", "form-action 'none'"])

    def _put(self, kind: str, *names: str) -> Markup:
        source = "\n".join(map(self._read, names))
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        self._allowed[kind].append(f"'sha256-{digest}'")
        return Markup(f"<{kind}>{source}</{kind}>")  # noqa: S704 - our own files

    def _read(self, name: str) -> str:
        """Return the text of a file, which must not hold what would end it in HTML."""
        assert self._environment.loader is not None
        source, _, _ = self._environment.loader.get_source(self._environment, name)
        if _ENDS_ELEMENT.search(source):
            raise ValueError(f"{name} holds what would end it within a page")
        return source


def embed_json(data: Any) -> Markup:
    r"""Return JSON that may stand in a `<script type="application/json">`, whatever texts it holds.

    >>> str(embed_json({"title": "</script><!--\u2028"}))
    '{"title":"\\u003c/script\\u003e\\u003c!--\\u2028"}'

    Raises:
        ValueError: a number is NaN or infinite, which JSON does not have.
    """
    text = json.dumps(_clean(data), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(_NOT_IN_SCRIPT))  # noqa: S704 - nothing is left that could end the script


def web_link(url: str | None) -> str | None:
    """Return an address of the web as it is; None for any other, such as one that would run a script.

    >>> [web_link(url) for url in ("https://stats.stackexchange.com/q/1", "javascript:alert(1)", "//host/path", None)]
    ['https://stats.stackexchange.com/q/1', None, None, None]
    """
    if not url or _NOT_TEXT.search(url) or url != url.strip():
        return None
    try:
        parts = urlsplit(url)
        return url if parts.scheme in ("http", "https") and parts.hostname else None
    except ValueError:
        return None


def shorten(text: str, most: int) -> str:
    """Return a text of at most so many characters.

    >>> shorten("short", 5), shorten("longer", 5)
    ('short', 'long…')
    """
    return text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _clean(value: Any) -> Any:
    """Put a replacement character for each that cannot be in a page, in all texts of a value."""
    match value:
        case str():
            return type(value)(_NOT_TEXT.sub("\N{REPLACEMENT CHARACTER}", value))
        case dict():
            return {_clean(key): _clean(each) for key, each in value.items()}
        case list():
            return [_clean(each) for each in value]
    return value
