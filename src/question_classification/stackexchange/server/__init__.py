"""A simulated Stack Exchange API, version 2.3: for tests, classes and demonstrations without the network."""

from question_classification.stackexchange.server.faults import (
    Backoff,
    Drift,
    Duplicate,
    Fault,
    FaultPlan,
    Html,
    Recorded,
    Reset,
    Slow,
    Throttle,
    Truncated,
    TruncatedGzip,
    Unavailable,
)
from question_classification.stackexchange.server.http import ApiServer
from question_classification.stackexchange.server.site import Site, to_item

__all__ = [
    "ApiServer",
    "Backoff",
    "Drift",
    "Duplicate",
    "Fault",
    "FaultPlan",
    "Html",
    "Recorded",
    "Reset",
    "Site",
    "Slow",
    "Throttle",
    "Truncated",
    "TruncatedGzip",
    "Unavailable",
    "to_item",
]
