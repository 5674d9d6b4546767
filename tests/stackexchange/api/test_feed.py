"""A site's questions through client and server: each of them, whatever the dates and whatever goes wrong."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from question_classification.stackexchange.api.client import ApiClient
from question_classification.stackexchange.api.feed import ApiFeed
from question_classification.stackexchange.errors import InputError, TryAgainLaterError
from question_classification.stackexchange.server import (
    ApiServer,
    Backoff,
    Drift,
    Duplicate,
    FaultPlan,
    Html,
    Reset,
    Site,
    Throttle,
    Truncated,
    Unavailable,
)

START = 1_300_000_000


def question(number: int, created: int, active: int | None = None) -> dict:
    return {
        "question_id": number,
        "title": f"Question {number}",
        "body": "",
        "tags": ["r"],
        "creation_date": created,
        "last_activity_date": active or created,
        "score": 0,
        "view_count": 0,
        "link": f"https://stats.stackexchange.com/questions/{number}",
    }


@contextmanager
def feed_of(questions: list[dict], clock, *faults, quota: int | None = None) -> Iterator[tuple[ApiServer, ApiFeed]]:
    site = Site("stats", questions)
    with ApiServer(site, faults=FaultPlan(faults=faults), clock=clock, quota=quota) as server:
        yield server, ApiFeed(ApiClient(server.url, clock=clock), "stats")


def ids(pages) -> list[int]:
    return [number for page in pages for number in page.questions["Id"].to_pylist()]


def test_two_pages_and_the_count_of_the_rest(clock) -> None:
    questions = [question(number, START + 1000 * number) for number in range(1, 151)]
    with feed_of(questions, clock) as (server, feed):
        pages = list(feed.created(0))
        assert [page.questions.num_rows for page in pages] == [100, 51]  # the last of the first page once more
        assert [page.watermark for page in pages] == [START + 100_000, START + 150_000]
        assert [page.remaining for page in pages] == [None, 0]
        assert ids(pages) == [*range(1, 101), *range(100, 151)]
        assert (server.requests, server.violations) == (3, {})


def test_from_a_moment_on(clock) -> None:
    questions = [question(number, START + 1000 * number) for number in range(1, 51)]
    with feed_of(questions, clock) as (_, feed):
        assert ids(feed.created(START + 50_000)) == [50]
        assert ids(feed.created(START + 40_000)) == list(range(40, 51))


def test_by_activity(clock) -> None:
    questions = [question(number, START + number, active=START + 10**6 - 1000 * number) for number in range(1, 121)]
    with feed_of(questions, clock) as (_, feed):
        assert ids(feed.active(0)) == [*range(120, 20, -1), *range(21, 0, -1)]
        assert feed.newest_activity() == START + 10**6 - 1000


def test_a_site_without_questions(clock) -> None:
    with feed_of([], clock) as (_, feed):
        assert ids(feed.created(0)) == []
        assert feed.newest_activity() == 0


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 260), st.integers(0, 700)), min_size=1, max_size=5), st.data())
def test_none_is_lost_however_many_come_in_a_second(clock, seconds: list[tuple[int, int]], data) -> None:
    """Seconds with up to 260 questions each, close together or not."""
    moment, questions = START, []
    for count, gap in seconds:
        moment += gap
        questions += [question(len(questions) + number, moment) for number in range(1, count + 1)]
    faults = data.draw(st.sampled_from([[], [Duplicate(every=4)], [Reset(every=3), Drift(every=5, questions=30)]]))
    with feed_of(questions, clock, *faults) as (server, feed):
        assert set(ids(feed.created(0))) == set(range(1, len(questions) + 1))
        assert server.violations == {}


def test_more_in_a_second_than_pages_hold(clock) -> None:
    questions = [question(number, START) for number in range(1, 2_602)]
    with feed_of(questions, clock) as (server, feed), pytest.raises(InputError, match="more than 2,500 questions"):
        list(feed.created(0))
    assert server.violations == {}


EVERYTHING = (
    Backoff(every=7, seconds=3),
    Duplicate(every=5),
    Reset(at=[4, 20, 21]),
    Truncated(at=9),
    Unavailable(at=[11, 12]),
    Html(at=16),
    Throttle(at=18, seconds=20),
    Drift(every=6, questions=40),
)


def test_all_faults_together(clock) -> None:
    questions = [question(number, START + 50 * (number // 3)) for number in range(1, 1_501)]
    with feed_of(questions, clock, *EVERYTHING) as (server, feed):
        pages = list(feed.created(0))
        assert set(ids(pages)) == set(range(1, 1_501))
        assert server.violations == {}
        assert sum(page.repeated for page in pages) > 0  # the stale answers, which are counted


def test_only_stale_answers(clock) -> None:
    questions = [question(number, START + 1000 * number) for number in range(1, 301)]
    faults = [Duplicate(at=number) for number in range(4, 40)]
    with feed_of(questions, clock, *faults) as (server, feed):
        pages = feed.created(0)
        assert len([next(pages), next(pages)]) == 2
        with pytest.raises(TryAgainLaterError, match="repeats old answers"):
            next(pages)
        assert server.violations == {}


def test_a_run_that_takes_over_asks_nothing_twice(clock) -> None:
    """Whatever the first run had asked last, the second one, a moment later, must not ask the same."""
    questions = [question(number, START + 1000 * number) for number in range(1, 301)]
    with feed_of(questions, clock) as (server, feed):
        pages = feed.created(0)
        reached = next(pages).watermark
        next(pages)  # asked for, then lost
        clock.sleep(0.2)
        rest = ApiFeed(ApiClient(server.url, clock=clock), "stats").created(reached)
        assert set(ids(rest)) >= set(range(101, 301))
        assert server.violations == {}
