"""A raw layer that follows a site: the real client, the real server, and runs that are killed at any step on disk."""

import itertools
import json
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from question_classification.stackexchange import follow as follow_module
from question_classification.stackexchange.api import feed as feed_module
from question_classification.stackexchange.api.client import ApiClient
from question_classification.stackexchange.api.feed import ApiFeed
from question_classification.stackexchange.api.items import to_questions
from question_classification.stackexchange.errors import InputError, TryAgainLaterError
from question_classification.stackexchange.follow import follow
from question_classification.stackexchange.harvest import Harvest
from question_classification.stackexchange.raw import read_raw, read_source, write_raw
from question_classification.stackexchange.server import ApiServer, Backoff, Duplicate, FaultPlan, Reset, Site, Throttle
from question_classification.stackexchange.simulated import simulate

LATER = datetime(2026, 10, 31, 23, tzinfo=UTC)  # nothing on the simulated site is younger


@contextmanager
def serve(clock, *faults, site: Site | None = None, quota: int | None = None) -> Iterator[ApiServer]:
    site = site or Site.simulated(questions=350, seed=5, until="2011-12")
    with ApiServer(site, faults=FaultPlan(faults=faults), clock=clock, quota=quota) as server:
        yield server


def feed_of(server: ApiServer, clock) -> ApiFeed:
    return ApiFeed(ApiClient(server.url, clock=clock), server.site.name)


def truth(server: ApiServer) -> pa.Table:
    """What a layer of the site must hold."""
    return to_questions(server.site.items, server.site.name).sort_by("Id")


def held(folder: Path) -> pa.Table:
    return read_raw(folder).sort_by("Id")


def state(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    """The bytes of each file, and which file it is."""
    return {
        path.name: (path.read_bytes(), path.stat().st_ino, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_new_layer_holds_every_question_in_the_part_of_its_month(clock, tmp_path: Path) -> None:
    with serve(clock) as server:
        account = follow(feed_of(server, clock), tmp_path / "raw")
        assert held(tmp_path / "raw").equals(truth(server))
        assert (account.questions, account.new, account.changed) == (350, 350, 0)
        assert server.violations == {}
    harvest = Harvest("api", [truth(server)], sites={"simulated"})
    write_raw(harvest, tmp_path / "whole")  # the same parts as from a source that is read once
    for part in (tmp_path / "whole").glob("*.parquet"):
        assert part.read_bytes() == (tmp_path / "raw" / part.name).read_bytes()
    assert read_source(tmp_path / "raw") == {
        "source": "api",
        "site": "simulated",
        "rows": 350,
        "left_out": {},
        "repaired": {},
        "warnings": [],
        "complete": True,
        "current_as_of": max(truth(server)["LastActivityDate"].to_pylist()).isoformat(),
    }
    assert {path.suffix for path in (tmp_path / "raw").iterdir()} == {".parquet", ".json"}


@pytest.mark.parametrize("refresh", [False, True])
def test_nothing_new_is_one_request_and_no_file(clock, tmp_path: Path, refresh: bool) -> None:
    with serve(clock) as server:
        follow(feed_of(server, clock), tmp_path / "raw")
        before, requests = state(tmp_path / "raw"), server.requests
        account = follow(feed_of(server, clock), tmp_path / "raw", refresh=refresh)
        assert server.requests == requests + 1
        assert state(tmp_path / "raw") == before
        assert (account.new, account.changed) == (0, 0)


def test_new_questions_come_and_other_months_keep_their_files(clock, tmp_path: Path) -> None:
    with serve(clock) as server:
        follow(feed_of(server, clock), tmp_path / "raw")
        before = state(tmp_path / "raw")
        known = server.site.items[0]
        moment = int(LATER.timestamp())
        server.site.add({**known, "question_id": 10**6, "creation_date": moment, "last_activity_date": moment})
        account = follow(feed_of(server, clock), tmp_path / "raw")
        assert (account.new, account.changed) == (1, 0)
        assert held(tmp_path / "raw").equals(truth(server))
        after = state(tmp_path / "raw")
        assert {name for name in after if after[name] != before.get(name)} == {"2026-10.parquet", "_source.json"}


def test_refresh_brings_edits_and_retags_and_the_newest_wins(clock, tmp_path: Path) -> None:
    with serve(clock) as server:
        follow(feed_of(server, clock), tmp_path / "raw")
        before = state(tmp_path / "raw")
        first, second = (truth(server)["Id"][position].as_py() for position in (0, 200))
        server.site.edit(first, at=LATER, title="Edited & once")
        server.site.edit(second, at=LATER.replace(minute=1), tags=["retagged"])
        server.site.edit(first, at=LATER.replace(minute=2), title="Edited twice")

        follow(feed_of(server, clock), tmp_path / "raw")  # without refresh
        assert state(tmp_path / "raw") == before
        requests = server.requests
        account = follow(feed_of(server, clock), tmp_path / "raw", refresh=True)
        assert (account.new, account.changed, server.requests - requests) == (0, 2, 1)
        assert held(tmp_path / "raw").equals(truth(server))
        rows = {row["Id"]: row for row in held(tmp_path / "raw").to_pylist()}
        assert (rows[first]["Title"], rows[second]["Tags"]) == ("Edited twice", "<retagged>")
        changed = {name for name, content in state(tmp_path / "raw").items() if content != before[name]}
        assert len(changed) == 3  # two months and the moment of the refresh

        requests, before = server.requests, state(tmp_path / "raw")
        follow(feed_of(server, clock), tmp_path / "raw", refresh=True)
        assert (server.requests - requests, state(tmp_path / "raw")) == (1, before)


@pytest.mark.parametrize("position", range(1, 13))
def test_a_stale_cache_costs_no_edit(clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, position: int) -> None:
    """Whichever response of a refresh is the previous one once more, of whichever listing that was."""
    monkeypatch.setattr(feed_module, "PAGE_SIZE", 20)
    with serve(clock, site=Site.simulated(questions=90, seed=5, until="2010-09")) as server:
        follow(feed_of(server, clock), tmp_path / "raw")
        site = server.site
    moment = int(LATER.timestamp())
    for turn, item in enumerate(list(site.items)[:70:2]):
        moment += 40
        site.edit(item["question_id"], at=datetime.fromtimestamp(moment, UTC), tags=["edited"])
        if turn % 2:
            moment += 40
            site.add({**item, "question_id": 10**6 + turn, "creation_date": moment, "last_activity_date": moment})
    clock.sleep(86_400)
    with serve(clock, Duplicate(at=position), site=site) as server:
        follow(feed_of(server, clock), tmp_path / "raw", refresh=True)
        assert held(tmp_path / "raw").equals(truth(server))
        assert server.violations == {}


def test_refresh_of_a_layer_that_is_not_complete_completes_it(clock, tmp_path: Path) -> None:
    with serve(clock, quota=9) as server:  # 5 of them are left alone
        with pytest.raises(TryAgainLaterError):
            follow(feed_of(server, clock), tmp_path / "raw")
        assert held(tmp_path / "raw").num_rows < 350
        clock.sleep(86_400)
        follow(feed_of(server, clock), tmp_path / "raw", refresh=True)
        assert held(tmp_path / "raw").equals(truth(server))


def test_where_the_quota_ends_the_next_run_goes_on(clock, tmp_path: Path) -> None:
    with serve(clock, quota=9) as server:
        with pytest.raises(TryAgainLaterError) as raised:
            follow(feed_of(server, clock), tmp_path / "raw")
        kept = held(tmp_path / "raw")
        until = max(kept["CreationDate"].to_pylist())
        assert f"{kept.num_rows} questions until {until:%Y-%m-%d} are kept in {tmp_path}/raw; " in str(raised.value)
        assert raised.value.exit_code == 75
        assert kept.equals(truth(server).filter(pa.compute.less_equal(truth(server)["CreationDate"], until)))
        assert not (tmp_path / "raw" / "_pages").exists()
        clock.sleep(86_400)
        follow(feed_of(server, clock), tmp_path / "raw")
        assert held(tmp_path / "raw").equals(truth(server))
        assert server.violations == {}


class TestFolder:
    def test_of_another_source_is_replaced_once_the_service_has_answered(self, clock, tmp_path: Path) -> None:
        write_raw(simulate(50, seed=1), tmp_path / "raw")
        before = state(tmp_path / "raw")
        with serve(clock, Throttle(at=1, seconds=10_000)) as server, pytest.raises(TryAgainLaterError):
            follow(feed_of(server, clock), tmp_path / "raw")
        assert state(tmp_path / "raw") == before
        with serve(clock) as server:
            follow(feed_of(server, clock), tmp_path / "raw")
            assert held(tmp_path / "raw").equals(truth(server))

    def test_of_another_site_is_left_alone(self, clock, tmp_path: Path) -> None:
        with serve(clock) as server:
            follow(feed_of(server, clock), tmp_path / "raw")
            before = state(tmp_path / "raw")
            site = Site("stats", server.site.items[:20])
        with serve(clock, site=site) as server:
            with pytest.raises(InputError, match=r"350 questions of simulated.*move it away"):
                follow(feed_of(server, clock), tmp_path / "raw")
            with pytest.raises(InputError, match=r"350 questions of simulated.*move it away"):
                write_raw(simulate(50, seed=1), tmp_path / "raw")
        assert state(tmp_path / "raw") == before

    def test_with_other_files_is_left_alone(self, clock, tmp_path: Path) -> None:
        (tmp_path / "thesis.tex").touch()
        with serve(clock) as server, pytest.raises(InputError, match=r"thesis\.tex"):
            follow(feed_of(server, clock), tmp_path)

    def test_at_which_another_run_is_at_work(self, clock, tmp_path: Path) -> None:
        with serve(clock) as server:
            pages = feed_of(server, clock).created(0)

            class Slow(ApiFeed):
                def created(self, since: int):
                    assert since == 0
                    yield next(pages)
                    with pytest.raises(InputError, match="another run"):
                        follow(feed_of(server, clock), tmp_path / "raw")
                    yield from pages

            follow(Slow(ApiClient(server.url, clock=clock), "simulated"), tmp_path / "raw")
            assert held(tmp_path / "raw").equals(truth(server))

    def test_of_a_site_without_questions(self, clock, tmp_path: Path) -> None:
        with serve(clock, site=Site("empty", [])) as server, pytest.raises(InputError, match="has no questions"):
            follow(feed_of(server, clock), tmp_path / "raw")
        assert not (tmp_path / "raw").exists()


class TestDamage:
    """What a person or a disk has done to the layer is said in a line; nothing is fetched over it."""

    @pytest.fixture
    def layer(self, clock, tmp_path: Path) -> Iterator[tuple[ApiServer, Path]]:
        with serve(clock) as server:
            follow(feed_of(server, clock), tmp_path / "raw")
            yield server, tmp_path / "raw"

    def check_refused(self, layer: tuple[ApiServer, Path], clock, match: str) -> None:
        server, folder = layer
        before, requests = state(folder), server.requests
        with pytest.raises(InputError, match=match):
            follow(feed_of(server, clock), folder)
        assert (state(folder), server.requests) == (before, requests)

    def test_a_part_is_gone(self, layer, clock) -> None:
        (layer[1] / "2010-12.parquet").unlink()
        self.check_refused(layer, clock, r"but _source\.json says 350; a part was changed or removed")

    def test_a_part_is_no_parquet_file(self, layer, clock) -> None:
        (layer[1] / "2010-12.parquet").write_bytes(b"PAR1")
        self.check_refused(layer, clock, r"2010-12\.parquet: not a parquet file")

    @pytest.mark.parametrize("content", ["", "[]", '{"source": "api"}'])
    def test_what_says_where_it_came_from(self, layer, clock, content: str) -> None:
        (layer[1] / "_source.json").write_text(content)
        self.check_refused(layer, clock, r"_source\.json: .*; restore it")

    def test_an_interrupted_run_leaves_what_can_be_read(self, clock, tmp_path: Path) -> None:
        with serve(clock) as server:

            class Interrupted(ApiFeed):
                def created(self, since: int):
                    yield from itertools.islice(super().created(since), 2)
                    raise KeyboardInterrupt

            with pytest.raises(KeyboardInterrupt):
                follow(Interrupted(ApiClient(server.url, clock=clock), "simulated"), tmp_path / "raw")
        assert read_raw(tmp_path / "raw").num_rows >= 100
        assert not (tmp_path / "raw" / "_pages").exists()


class Killed(BaseException):
    """The process is gone."""


class Killer:
    """Kills at one step on disk: from then on no step has an effect, not even one that cleans up."""

    STEPS = ((Path, "replace"), (Path, "rename"), (Path, "unlink"), (Path, "rmdir"), (Path, "mkdir"))
    STEPS += ((Path, "write_bytes"), (shutil, "rmtree"), (follow_module, "write_part"))

    def __init__(self, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
        self.left = step
        for owner, name in self.STEPS:
            monkeypatch.setattr(owner, name, self.guard(getattr(owner, name)))

    def guard(self, action):
        def guarded(*arguments, **options):
            self.left -= 1
            if self.left < 0:
                raise Killed
            return action(*arguments, **options)

        return guarded


@pytest.mark.long
@pytest.mark.parametrize(
    ("earlier", "refresh"),
    [("nothing", True), ("another source", False), ("an older state", False), ("an older state", True)],
)
def test_killed_at_any_step_the_next_run_makes_it_whole(
    clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: str, refresh: bool
) -> None:
    """Every step of a run in turn is the one at which it is killed."""
    monkeypatch.setattr(follow_module, "_PAGES_AT_ONCE", 2)
    monkeypatch.setattr(feed_module, "PAGE_SIZE", 20)
    before = tmp_path / "before"
    with serve(clock, site=Site.simulated(questions=50, seed=5, until="2010-09")) as server:
        if earlier == "another source":
            write_raw(simulate(20, seed=1, until="2010-08"), before)
        elif earlier == "an older state":
            with serve(clock, site=Site("simulated", server.site.items[:25])) as past:
                follow(feed_of(past, clock), before)
            for item in server.site.items[5:25:8]:
                server.site.edit(item["question_id"], at=LATER, tags=["edited"])
        for step in count():
            clock.sleep(86_400)  # what an earlier turn asked does not count, nor does its quota
            folder = tmp_path / str(step)
            if before.exists():
                shutil.copytree(before, folder)
            with pytest.MonkeyPatch.context() as patch:
                killer = Killer(patch, step)
                with suppress(Killed):
                    follow(feed_of(server, clock), folder, refresh=refresh)
            clock.sleep(0.2)
            follow(feed_of(server, clock), folder, refresh=True)
            assert held(folder).equals(truth(server)), step
            assert read_source(folder)["rows"] == 50
            assert {path.suffix for path in folder.iterdir()} == {".parquet", ".json"}
            assert server.violations == {}
            if killer.left >= 0:  # it came through
                break
        assert step > 15


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), days=st.integers(1, 6))
def test_a_site_that_goes_on_is_followed_through_interruptions(clock, tmp_path_factory, seed: int, days: int) -> None:
    """Questions come, are edited and retagged while runs are cut off by a small quota, until one gets through."""
    draw = random.Random(seed)
    folder = tmp_path_factory.mktemp("followed") / "raw"
    with serve(clock, Reset(every=11), Backoff(every=7, seconds=2), quota=draw.randint(8, 12)) as server:
        known = dict(server.site.items[0])
        moment = int(LATER.timestamp())
        for _ in range(days):
            for _ in range(draw.randint(0, 150)):
                moment += draw.choice([0, 1, 50, 5_000])
                if draw.random() < 0.6:
                    number = 10**6 + len(server.site.items)
                    server.site.add(
                        {**known, "question_id": number, "creation_date": moment, "last_activity_date": moment}
                    )
                else:
                    chosen = draw.choice(server.site.items)["question_id"]
                    at = datetime.fromtimestamp(moment, UTC)
                    server.site.edit(chosen, at=at, title=f"Edited {moment}")
            with suppress(TryAgainLaterError):
                follow(feed_of(server, clock), folder, refresh=draw.random() < 0.7)
            clock.sleep(86_400)
        for _ in range(40):
            try:
                follow(feed_of(server, clock), folder, refresh=True)
                break
            except TryAgainLaterError:
                clock.sleep(86_400)
        clock.sleep(1)
        follow(feed_of(server, clock), folder, refresh=True)
        assert held(folder).equals(truth(server))
        assert server.violations == {}
        assert json.loads((folder / "_source.json").read_text())["rows"] == len(server.site.items)
