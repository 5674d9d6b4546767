"""The runner of `kedro run`: nodes that do not wait for each other run side by side."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from threading import Condition, Thread
from typing import Any

from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from kedro.runner import AbstractRunner, Task

FOREGROUND = "foreground"
"""Tag of nodes that run in the main thread, which Ctrl-C interrupts at once: those that take minutes or hours."""


class SideBySideRunner(AbstractRunner):
    """Runs nodes in as many threads as there are cores, of which the main thread is one.

    Kedro's `ThreadRunner` leaves the main thread idle; there, Ctrl-C waits for the nodes that have begun. Here a node
    that is alone, or has the tag `FOREGROUND`, is interrupted at once, and all others are left behind.

    Args:
        is_async: Whether a node's inputs are read, and its outputs written, in threads of their own.
        max_workers: How many nodes run at a time, at least 1; as many as there are cores by default.

    Raises:
        ValueError: `max_workers` is below 1.
    """

    def __init__(self, is_async: bool = False, max_workers: int | None = None) -> None:
        super().__init__(is_async=is_async)
        if max_workers is not None and max_workers < 1:
            raise ValueError(f"max_workers must be at least 1, not {max_workers}")
        self._max_workers = max_workers or os.cpu_count() or 1

    def _get_executor(self, max_workers: int) -> None:  # noqa: ARG002
        return None  # threads are our own

    def _run(
        self, pipeline: Pipeline, catalog: Any, hook_manager: Any | None = None, run_id: str | None = None
    ) -> None:
        schedule = _Schedule(pipeline)
        loads = Counter(chain.from_iterable(node.inputs for node in pipeline.nodes))

        def work(*, in_main_thread: bool = False) -> None:
            try:
                while node := schedule.next_node(in_main_thread=in_main_thread):
                    Task(node, catalog, self._is_async, hook_manager, run_id=run_id).execute()
                    with schedule.finish(node):
                        self._release_datasets(node, catalog, loads, pipeline)
            except BaseException as error:  # for the main thread to raise; Ctrl-C may come while that one waits, too
                schedule.fail(error)

        width = len(pipeline.nodes) - len(pipeline.grouped_nodes) + 1  # so many nodes at most do not wait for others
        threads = [Thread(target=work, daemon=True) for _ in range(1, min(self._max_workers, width))]
        for thread in threads:
            thread.start()
        work(in_main_thread=True)
        if isinstance(schedule.error, Exception):  # unlike an interrupt, it can wait for what has begun
            for thread in threads:
                thread.join()
        if schedule.error:
            raise schedule.error


class _Schedule:
    """Which nodes are done and which may begin, for threads to share."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.done: set[Node] = set()
        self.error: BaseException | None = None
        self._dependencies = pipeline.node_dependencies
        self._todo = _most_urgent_first(pipeline.nodes, self._dependencies)
        self._main_thread_waits = True
        self._changed = Condition()

    def next_node(self, *, in_main_thread: bool) -> Node | None:
        """Wait for a node to begin with; None if there will be no more or, in the main thread, once all are done."""
        with self._changed:
            while not self.error and (self._todo or (in_main_thread and len(self.done) < len(self._dependencies))):
                ready = [node for node in self._todo if self._dependencies[node] <= self.done]
                if not in_main_thread:  # the first one is for the main thread, if that has nothing else to do
                    ready = [node for node in ready[self._main_thread_waits :] if FOREGROUND not in node.tags]
                if in_main_thread:
                    self._main_thread_waits = not ready
                if ready:
                    self._todo.remove(ready[0])
                    return ready[0]
                self._changed.wait()
        return None

    @contextmanager
    def finish(self, node: Node) -> Iterator[None]:
        """Let the nodes begin that wait for this one, once the block has run; no other thread is in it meanwhile."""
        with self._changed:
            self.done.add(node)
            yield
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """Let no more nodes begin."""
        with self._changed:
            self.error = self.error or error
            self._changed.notify_all()


def _most_urgent_first(nodes: list[Node], dependencies: dict[Node, set[Node]]) -> list[Node]:
    """Order nodes by how many wait for them one after the other: the longest of these chains begins first.

    Args:
        nodes: in topological order, which decides between equals.
        dependencies: which nodes each of them waits for.
    """
    chain = dict.fromkeys(nodes, 0)
    for node in reversed(nodes):
        for dependency in dependencies[node]:
            chain[dependency] = max(chain[dependency], chain[node] + 1)
    return sorted(nodes, key=lambda node: -chain[node])
