"""A simulated Stack Exchange site about statistics: as many questions as you like, none of them real.

It stands in for a real site where none can be reached, and its questions have what makes real ones awkward: HTML, code,
formulas, heavy-tailed counts, missing values and noisy labels. The same arguments give the same questions on every
machine: everything is derived from the uniform numbers of `random.Random`, whose sequence Python guarantees.

How a question comes about:

1. It has a topic, and a latent *interest* in machine learning: the mean of its topic plus normal noise.
2. The interest decides how often the text speaks in the vocabulary of machine learning ...
3. ... and, with the year, how probable the tag `machine-learning` is. Text and tag thus agree only in part.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import accumulate
from math import exp, log1p
from random import Random as Generator
from statistics import NormalDist
from typing import Any, TypeVar

import pyarrow as pa

from question_classification.stackexchange.attribution import LICENSES, SIMULATED_SITE, find_host
from question_classification.stackexchange.errors import InputError
from question_classification.stackexchange.harvest import Harvest
from question_classification.stackexchange.question import QUESTION_SCHEMA
from question_classification.stackexchange.simulation.templates import Random
from question_classification.stackexchange.simulation.topics import TARGET_TAG, TOPICS
from question_classification.stackexchange.simulation.words import words
from question_classification.stackexchange.simulation.writer import Book, Writer, library
from question_classification.stackexchange.tags import format_tags

FIRST_MONTH = "2010-07"

# The latent model, tuned so that a linear model of the words finds the tag, but far from always
INTEREST_NOISE = 1.5  # standard deviation of the interest within a topic
TAG_GAIN = 2.0  # how steeply the probability of the tag rises with the interest
TAG_OFFSET = -2.2  # logit of the tag at interest 0, before the drift of the years
CARELESS = 0.12  # share of the questions that are tagged without regard to the interest ...
CARELESS_RATE = 0.12  # ... and how many of those get the target tag
VOICE_GAIN = 1.3  # how steeply the share of machine-learning vocabulary rises with the interest
VOICE_OFFSET = -0.4

# Of the 20 voices that share the sentences of a question
OTHER_TOPIC_VOICES = 2
REGISTER_VOICES = 8
VOICES = 20

MEDIAN_BODY = 930  # characters
LOG_SD_BODY = 0.9

_HOME = f"https://{find_host(SIMULATED_SITE)}"
_SECOND_MS = 1_000
_DAY = 86_400  # seconds
_EPOCH = date(1970, 1, 1).toordinal()  # day 0
_YEAR = 365.25 * _DAY
_IDS_PER_QUESTION = 5  # the question takes one of the first two, its answers the others
_LICENSES = tuple((since.timestamp(), name) for since, name in LICENSES)
_MATH_SPANS_FROM = 2017.5  # year
_BUSY_HOURS: tuple[int, ...] = (*range(24), *range(7, 23), *range(8, 21), *range(12, 19))  # UTC
_TAG_DRAWS = (1, 2, 2, 3, 3, 3, 4, 4, 5, 5)

_TOPIC_NAMES = tuple(TOPICS)
_TAG_POOLS = {
    name: tuple(tag for tag, count in topic.tags.items() for _ in range(count)) for name, topic in TOPICS.items()
}
_inverse_normal = NormalDist().inv_cdf
T = TypeVar("T")


def simulate(questions: int, seed: int, until: str = "2026-10") -> Harvest:
    """Simulate a site from July 2010 on.

    Memory is bounded by a month of questions, so that a million of them fit on any machine.

    Args:
        questions: number of questions, spread over the months along a curve of growth and decline.
        seed: seed of the random numbers; each month has its own generator.
        until: last creation month, `YYYY-MM`; nothing happens after it.

    Returns:
        A harvest with one table of `QUESTION_SCHEMA` per month that has questions, by increasing date and `Id`.

    Raises:
        InputError: `questions` is less than 1, or `until` is not a month from 2010-07 to 2099-12.

    >>> sum(batch.num_rows for batch in simulate(questions=100, seed=42))
    100
    """
    for name, number in (("questions", questions), ("seed", seed)):
        if not isinstance(number, int):
            raise InputError(f"simulated site: {name} must be a whole number, not {number!r}")
    if questions < 1:
        raise InputError(f"simulated site: cannot make {questions} questions; ask for at least 1")
    months = range(_month_number(FIRST_MONTH), _month_number(until) + 1)
    if not months:
        raise InputError(f"simulated site: until = {until!r} is before its first month; use {FIRST_MONTH} or later")
    return Harvest(source=SIMULATED_SITE, sites={SIMULATED_SITE}, batches=_batches(questions, seed, months))


def _batches(questions: int, seed: int, months: range) -> Iterator[pa.Table]:
    end = _first_day(months[-1] + 1) * _DAY
    first = 0
    for month, size in zip(months, _month_sizes(questions, months), strict=True):
        if size:
            rows = _month_of_questions(month, range(first, first + size), seed, end)
            yield pa.Table.from_pylist(rows, schema=QUESTION_SCHEMA)
        first += size


# Months are numbered through: 12 times the year plus 0 to 11


def _month_number(text: str) -> int:
    match = re.fullmatch(r"(20[0-9]{2})-(0[1-9]|1[0-2])", text)
    if not match:
        raise InputError(
            f"simulated site: until = {text!r} is no month of this century; write it as YYYY-MM, like 2026-10"
        )
    return 12 * int(match[1]) + int(match[2]) - 1


def _first_day(month: int) -> int:
    """Return the first day of a month, counted from 1970-01-01."""
    return date(month // 12, month % 12 + 1, 1).toordinal() - _EPOCH


def _month_sizes(questions: int, months: range) -> list[int]:
    """Split `questions` over the months: growth until about 2017, a gentle decline later."""
    activity = [_logistic((month / 12 - 2013.5) / 1.2) * _logistic((2025.5 - month / 12) / 3) for month in months]
    total = sum(activity)
    sizes = []
    reached, assigned = 0.0, 0
    for share in activity:
        reached += share
        sizes.append(round(questions * (reached / total)) - assigned)
        assigned += sizes[-1]
    return sizes


def _month_of_questions(month: int, numbers: range, seed: int, end: int) -> list[dict[str, Any]]:
    """Return the rows of one month; `numbers` counts the questions of the site."""
    random = Generator(seed * 1_000_000 + month).random  # noqa: S311 (a simulation, not cryptography)
    year = month / 12
    writer = Writer(random)
    books = library(spans=year >= _MATH_SPANS_FROM)
    topics = _topic_steps(year)
    days = range(_first_day(month), _first_day(month + 1))
    moments = sorted(_moment(days, random) for _ in numbers)
    rows: list[dict[str, Any]] = []
    for number, created in zip(numbers, moments, strict=True):
        topic, other = _pick_step(topics, random), _pick_step(topics, random)
        interest = TOPICS[topic].interest + INTEREST_NOISE * _normal(random)
        aimed = _logistic(TAG_OFFSET + TAG_GAIN * interest + _drift(year))
        tagged = random() < (1 - CARELESS) * aimed + CARELESS * CARELESS_RATE
        voices = _voices(books, topic, other, interest, random)
        rows.append(
            {
                "Title": writer.title(voices),
                "Body": writer.body(voices, MEDIAN_BODY * exp(LOG_SD_BODY * _normal(random))),
                "Tags": format_tags(_tags(topic, other, tagged, random)),
                **_identity(number, created, random),
                **_reception(number, (end - created) / _YEAR, interest, random),
                **_history(created, end, random),
            }
        )
    _date_activity(rows, end, Generator(f"activity {seed} {month}").random)  # noqa: S311
    return rows


def _moment(days: range, random: Random) -> int:
    """Draw a second of these days: fewer questions come at weekends and in the European night."""
    day = _pick(days, random)
    while (day + 3) % 7 >= 5 and random() < 0.45:  # Saturday or Sunday; day 0 was a Thursday
        day = _pick(days, random)
    return day * _DAY + _pick(_BUSY_HOURS, random) * 3_600 + int(3_600 * random())


def _topic_steps(year: float) -> list[float]:
    """Return the cumulative shares of the topics in a year."""
    return list(accumulate(topic.share * max(0.1, 1 + topic.trend * (year - 2018) / 10) for topic in TOPICS.values()))


def _pick_step(steps: Sequence[float], random: Random) -> str:
    return _TOPIC_NAMES[bisect_right(steps, random() * steps[-1])]


def _drift(year: float) -> float:
    """Return how much likelier (as a logit) the target tag is in a year: most around 2018."""
    return 0.95 * exp(-(((year - 2018.5) / 4) ** 2)) - 0.5


def _voices(books: dict[str, Book], topic: str, other: str, interest: float, random: Random) -> list[Book]:
    """Return the books that share the sentences of a question."""
    learning = int(REGISTER_VOICES * _logistic(VOICE_OFFSET + VOICE_GAIN * interest) + random())
    return [
        *[books[topic]] * (VOICES - OTHER_TOPIC_VOICES - REGISTER_VOICES),
        *[books[other]] * OTHER_TOPIC_VOICES,
        *[books["learning"]] * learning,
        *[books["statistics"]] * (REGISTER_VOICES - learning),
    ]


def _tags(topic: str, other: str, tagged: bool, random: Random) -> list[str]:
    """Return 1 to 5 distinct tags, most of them of the topic."""
    tags = [TARGET_TAG] if tagged else []
    draws = _pick(_TAG_DRAWS, random) - len(tags)
    tags += [_pick(_TAG_POOLS[topic if random() < 0.92 else other], random) for _ in range(draws)]
    if random() < 0.5:
        tags.reverse()  # the target tag is not always the first one
    return list(dict.fromkeys(tags))  # a tag that was drawn twice counts once


def _identity(number: int, created: int, random: Random) -> dict[str, object]:
    """Return who asked, where and when; a few users have been deleted."""
    post_id = number * _IDS_PER_QUESTION + 1 + int(2 * random())
    user = 1 + int((0.6 * number + 50) * (1 - random() ** 3))  # most questions come from new users
    people = words()["person"]
    deleted = random() < 0.02
    return {
        "Id": post_id,
        "CreationDate": created * _SECOND_MS,
        "OwnerUserId": None if deleted else user,
        "OwnerDisplayName": f"user{user}" if deleted else people[user * 7_919 % len(people)],
        "OwnerLink": None if deleted else f"{_HOME}/users/{user}",
        "Link": f"{_HOME}/questions/{post_id}",
        "Site": SIMULATED_SITE,
    }


def _reception(number: int, age: float, interest: float, random: Random) -> dict[str, object]:
    """Return the counts: heavy-tailed, tied to one another by the appeal of the question, and larger with its age."""
    appeal = _normal(random)
    score = int(exp(0.3 + (0.85 + 0.045 * age) * appeal))
    if random() < 0.06:
        score = -1 - int(exp(0.8 * _normal(random)))
    answers = int(-1.5 * log1p(-random()))  # geometric
    accepted = answers > 0 and random() < 0.65
    favourite = score > 2 and random() < 0.7
    return {
        "Score": score,
        "ViewCount": 5 + int(exp(4.5 + 0.95 * log1p(age) + 0.1 * interest + 0.7 * appeal + 0.9 * _normal(random))),
        "AnswerCount": answers,
        "CommentCount": int(12 * random() ** 3),
        "FavoriteCount": int(score * (0.2 + 0.5 * random())) + 1 if favourite else None,
        "AcceptedAnswerId": number * _IDS_PER_QUESTION + 3 + int(3 * random()) if accepted else None,
    }


def _history(created: int, end: int, random: Random) -> dict[str, object]:
    """Return what happened to the question later, until `end`, and the licence that follows from it."""
    edited = created + 60 + int(exp(8 + 3.5 * _normal(random)))
    closed = created + 600 + int(_DAY * exp(0.7 + 1.5 * _normal(random)))
    has_edit = random() < 0.46 and edited < end
    has_close = random() < 0.05 and closed < end
    revised = edited if has_edit else created
    return {
        "LastEditDate": edited * _SECOND_MS if has_edit else None,
        "ClosedDate": closed * _SECOND_MS if has_close else None,
        "ContentLicense": next(name for since, name in _LICENSES if revised >= since),
    }


def _date_activity(rows: list[dict[str, Any]], end: int, random: Random) -> None:
    """Say when each question was last active: asked, edited, or answered."""
    for row in rows:
        created = row["CreationDate"]
        answered = created + _SECOND_MS * int(60 + exp(9.5 + 2 * _normal(random))) if row["AnswerCount"] else created
        last = answered if answered < end * _SECOND_MS else created
        row["LastActivityDate"] = max(last, row["LastEditDate"] or created)


def _pick(options: Sequence[T], random: Random) -> T:
    return options[int(random() * len(options))]


def _normal(random: Random) -> float:
    """Draw from the standard normal distribution."""
    return _inverse_normal(max(random(), 2**-54))  # 0 has no quantile


def _logistic(x: float) -> float:
    return 1 / (1 + exp(-x))
