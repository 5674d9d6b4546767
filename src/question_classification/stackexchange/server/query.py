"""What a request asks for: parameters as the API reads them, and the errors that it has for them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

ERROR_NAMES: Mapping[int, str] = {
    400: "bad_parameter",
    401: "access_token_required",
    402: "invalid_access_token",
    403: "access_denied",
    404: "no_method",
    405: "key_required",
    406: "access_token_compromised",
    407: "write_failed",
    409: "duplicate_request",
    500: "internal_error",
    502: "throttle_violation",
    503: "temporarily_unavailable",
}

SORT_FIELDS: Mapping[str, str] = {
    "activity": "last_activity_date",
    "creation": "creation_date",
    "votes": "score",
    # How the service ranks these three is not public, and they have no field that min and max could bound.
    "hot": "view_count",
    "week": "view_count",
    "month": "view_count",
}
_RANKED = ("hot", "week", "month")
FILTERS = ("default", "withbody", "none", "total")
MAX_PAGE_SIZE = 100
MAX_IDS = 100
LAST_ANONYMOUS_PAGE = 25


class ApiError(Exception):
    """What the API answers with HTTP 400: one of `ERROR_NAMES`."""

    def __init__(self, error_id: int, message: str):
        super().__init__(message)
        self.error_id = error_id
        self.body = {"error_id": error_id, "error_message": message, "error_name": ERROR_NAMES[error_id]}


@dataclass(frozen=True)
class Query:
    """A query for questions. Bounds are inclusive, dates are Unix seconds.

    Attributes:
        sort: one of `SORT_FIELDS`.
        descending: whether the largest comes first.
        page: number of the page, from 1.
        pagesize: questions per page, 0 to 100.
        min: least value of the field that `sort` names.
        max: largest value of that field.
        fromdate: earliest creation date.
        todate: latest creation date.
        tagged: tags that a question must have, all of them.
        filter: one of `FILTERS`.
        ids: the questions to choose from, or None for all.
    """

    sort: str = "activity"
    descending: bool = True
    page: int = 1
    pagesize: int = 30
    min: int | None = None
    max: int | None = None
    fromdate: int | None = None
    todate: int | None = None
    tagged: tuple[str, ...] = ()
    filter: str = "default"
    ids: tuple[int, ...] | None = None

    @classmethod
    def parse(cls, parameters: Mapping[str, str], ids: tuple[int, ...] | None = None) -> "Query":
        """Read the parameters of a URL; those that are empty or unknown are passed over, as the API does.

        Raises:
            ApiError: a parameter has a value that the API refuses, or the page is beyond what it gives without a key.
        """
        sort = _choice(parameters, "sort", tuple(SORT_FIELDS), "activity")
        query = cls(
            sort=sort,
            descending=_choice(parameters, "order", ("desc", "asc"), "desc") == "desc",
            page=_integer(parameters, "page", 1),
            pagesize=_integer(parameters, "pagesize", 30),
            min=_bound(parameters, "min"),
            max=_bound(parameters, "max"),
            fromdate=_bound(parameters, "fromdate"),
            todate=_bound(parameters, "todate"),
            tagged=tuple(tag for tag in parameters.get("tagged", "").split(";") if tag),
            filter=_choice(parameters, "filter", FILTERS, "default"),
            ids=ids,
        )
        for name, acceptable in (
            ("page", query.page >= 1),
            ("pagesize", 0 <= query.pagesize <= MAX_PAGE_SIZE),
            ("min", query.min is None or sort not in _RANKED),
            ("max", query.max is None or sort not in _RANKED),
            ("ids", ids is None or len(ids) <= MAX_IDS),
        ):
            if not acceptable:
                raise ApiError(400, name)
        if query.page > LAST_ANONYMOUS_PAGE and not account_of(parameters):
            raise ApiError(403, f"page above {LAST_ANONYMOUS_PAGE} requires access token or app key")
        return query


def account_of(parameters: Mapping[str, str]) -> str:
    """Return whose quota a request uses up: that of its key or token, or `""` for all who have none."""
    return parameters.get("key") or parameters.get("access_token") or ""


def _choice(parameters: Mapping[str, str], name: str, known: tuple[str, ...], default: str) -> str:
    value = parameters.get(name) or default
    if value not in known:
        raise ApiError(400, name)
    return value


def _bound(parameters: Mapping[str, str], name: str) -> int | None:
    text = parameters.get(name)
    if not text:
        return None
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise ApiError(400, name)
    return int(text)


def _integer(parameters: Mapping[str, str], name: str, default: int) -> int:
    value = _bound(parameters, name)
    return default if value is None else value
