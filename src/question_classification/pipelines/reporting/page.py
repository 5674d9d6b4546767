"""A page that needs nothing but itself, and in which nothing runs but our own scripts.

Style and scripts are files of the package that are put into the page. Whatever else the page shows may come from
anywhere: it is escaped, and the page's Content Security Policy lets a browser run only scripts of these very bytes, and
ask nobody for anything.
"""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

# What no HTML may hold, or no UTF-8: control characters, lone surrogates, two that are no characters. And what would
# turn the direction of writing around beyond the text that it is in, even out of a <bdi>.
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_NOT_IN_SCRIPT = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
_ENDS_SCRIPT = re.compile(r"<(?=!--|/?script)", re.IGNORECASE)


def render_page(template: str, *, style: str, scripts: Sequence[str], script_data: Any, **context: Any) -> str:
    """Fill a template of the package.

    Args:
        template: its name.
        style: the name of the style sheet, for `page.style`.
        scripts: the names of the scripts, in the order in which they run, for `page.scripts`.
        script_data: what they work with, for `page.data`: anything that JSON can hold; NaN is none of it.
        context: whatever else the template asks for.
    """
    environment = Environment(
        loader=PackageLoader("question_classification.pipelines.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_clean,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"web_link": web_link, "shorten": shorten}
    sources = {name: _read(environment, name) for name in (style, *scripts)}
    page = {
        "style": Markup(sources[style]),  # noqa: S704 - our own file
        "scripts": [Markup(sources[name]) for name in scripts],  # noqa: S704 - our own files
        "data": embed_json(script_data),
        "policy": _policy([sources[name] for name in scripts], sources[style]),
    }
    return environment.get_template(template).render(page=page, **context)


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


def _read(environment: Environment, name: str) -> str:
    """Return the text of a style sheet or script, which must not hold what would end it in HTML."""
    assert environment.loader is not None
    source, _, _ = environment.loader.get_source(environment, name)
    if _ENDS_SCRIPT.search(source) or "</style" in source.lower():
        raise ValueError(f"{name} holds what would end it within a page")
    return source


def _policy(scripts: Sequence[str], style: str) -> str:
    """Return a Content Security Policy that allows these scripts and this style, and nothing else at all."""

    def hashed(source: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"

    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(map(hashed, scripts))}",
            f"style-src {hashed(style)}",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


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
