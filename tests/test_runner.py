"""The runner, on real pipelines of small functions."""

import signal
import threading
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline
from kedro.runner import SequentialRunner

from question_classification.runner import FOREGROUND, SideBySideRunner

PATIENCE = 30.0  # seconds; whatever waits so long would wait for ever


def run(nodes: list[Node], workers: int = 2) -> dict[str, Any]:
    catalog = DataCatalog({"given": MemoryDataset(0)})
    outputs = SideBySideRunner(max_workers=workers).run(Pipeline(nodes), catalog)
    return {name: dataset.load() for name, dataset in outputs.items()}


def node(function: Any, name: str, inputs: list[str] | None = None, **settings: Any) -> Node:
    return Node(function, inputs=inputs or ["given"], outputs=name, name=name, **settings)


def in_main_thread(*_: Any) -> bool:
    return threading.current_thread() is threading.main_thread()


def test_nodes_that_do_not_wait_for_each_other_run_at_a_time() -> None:
    meeting = threading.Barrier(2, timeout=PATIENCE)
    assert sorted(run([node(lambda _: meeting.wait(), name) for name in "ab"]).values()) == [0, 1]


def test_one_node_after_the_other_on_request() -> None:
    order: list[str] = []
    run([node(lambda _, name=name: order.append(name) or in_main_thread(), name) for name in "cab"], workers=1)
    assert order == [each.name for each in Pipeline([node(len, name) for name in "cab"]).nodes]


def test_the_node_that_most_others_wait_for_begins_first() -> None:
    order: list[str] = []

    def work(name: str, *inputs: str) -> Node:
        return node(lambda *_: order.append(name) or name, name, list(inputs))

    run([work("a"), work("b"), work("c", "b"), work("d"), work("e", "d"), work("f", "e")], workers=1)
    assert order == ["d", "b", "e", "a", "c", "f"]


def test_a_node_that_is_alone_is_in_the_main_thread() -> None:
    outputs = run([node(in_main_thread, "a"), node(in_main_thread, "b", ["a"]), node(in_main_thread, "c", ["b"])])
    assert outputs == {"c": True}


def test_foreground_nodes_are_in_the_main_thread_one_after_the_other() -> None:
    assert run([node(in_main_thread, name, tags=FOREGROUND) for name in "abc"], workers=3) == dict.fromkeys("abc", True)


@given(st.data())
def test_gives_what_kedro_gives_one_node_after_the_other(data: st.DataObject) -> None:
    names = ["given", *"abcdefg"]
    nodes = []
    for number, name in enumerate(names[1:], start=1):
        inputs = data.draw(st.lists(st.sampled_from(names[:number]), min_size=1, unique=True))
        tags = data.draw(st.sampled_from([None, FOREGROUND]))
        nodes.append(node(lambda *values, name=name: f"{name}({','.join(map(str, values))})", name, inputs, tags=tags))
    expected = SequentialRunner().run(Pipeline(nodes), DataCatalog({"given": MemoryDataset(0)}))
    assert run(nodes, data.draw(st.integers(1, 4))) == {name: each.load() for name, each in expected.items()}


@pytest.mark.parametrize("failing", ["a", "b"])
def test_an_error_ends_the_run_when_the_other_node_is_done(failing: str) -> None:
    begun = threading.Barrier(2, timeout=PATIENCE)
    done = []

    def work(name: str) -> str:
        begun.wait()
        if name == failing:
            raise ValueError(f"{name} fails")
        done.append(name)
        return name

    nodes = [node(lambda _, name=name: work(name), name) for name in "ab"]
    later = node(lambda *_: done.append("later"), "later", ["a", "b"])
    with pytest.raises(ValueError, match=f"{failing} fails"):
        run([*nodes, later])
    assert done == [{"a": "b", "b": "a"}[failing]]


def test_an_interrupt_does_not_wait_for_the_other_node() -> None:
    begun, end = threading.Barrier(2, timeout=PATIENCE), threading.Event()
    waited = []

    def work(_: int) -> None:
        begun.wait()
        if in_main_thread():
            raise KeyboardInterrupt
        end.wait(PATIENCE)
        waited.append(True)

    try:
        with pytest.raises(KeyboardInterrupt):
            run([node(work, name) for name in "ab"])
        assert not waited
    finally:
        end.set()


def test_after_an_interrupt_of_a_main_thread_that_waits_no_node_begins() -> None:
    begun, main_is_free = threading.Barrier(2, timeout=PATIENCE), threading.Event()
    later, threads = [], []

    def work(_: int) -> int:
        begun.wait()
        if not in_main_thread():
            threads.append(threading.current_thread())
            time.sleep(0.1)  # until the main thread has nothing to do
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            main_is_free.wait(PATIENCE)
        return 0

    nodes = [node(work, name) for name in "ab"]
    with pytest.raises(KeyboardInterrupt):
        run([*nodes, *(node(lambda *_: later.append(1) or 0, name, ["a", "b"]) for name in "cd")])
    main_is_free.set()
    threads[0].join(PATIENCE)
    assert not threads[0].is_alive()
    assert not later


def test_at_least_one_node_at_a_time() -> None:
    with pytest.raises(ValueError, match="max_workers"):
        SideBySideRunner(max_workers=-1)
