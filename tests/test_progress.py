import io
import threading
import time

import pytest
from kedro.pipeline import Node, Pipeline

from question_classification.hooks import Progress
from question_classification.progress import Ticker, shown_elsewhere


class Terminal(io.StringIO):
    """A stream that a person looks at."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")


def wait_for(stream: io.StringIO, text: str) -> None:
    for _ in range(500):
        if text in stream.getvalue():
            return
        time.sleep(0.01)
    pytest.fail(f"{text!r} is not in {stream.getvalue()!r}")


def test_line_fits_the_terminal_and_is_gone_at_the_end() -> None:
    stream = Terminal()
    ticker = Ticker(stream, patience=0.0, every=0.01)
    ticker.start("group_near_duplicates")
    wait_for(stream, "group_near_duplicat\r")
    ticker.stop()
    shown = [part.removeprefix("\x1b[2K") for part in stream.getvalue().split("\r")]
    assert all(len(part) < 20 for part in shown)
    assert shown[-2:] == ["", ""]  # erased last of all


def test_what_is_quick_is_not_shown() -> None:
    stream = Terminal()
    ticker = Ticker(stream, patience=60.0)
    ticker.start("keyword.fit")
    ticker.stop()
    assert stream.getvalue() == ""


def test_nothing_is_drawn_while_there_is_another_line() -> None:
    stream = Terminal()
    ticker = Ticker(stream, patience=0.0, every=0.01)
    with shown_elsewhere():
        ticker.start("identify_site")
        time.sleep(0.1)
        assert stream.getvalue() == ""
    wait_for(stream, "identify_site")
    ticker.stop()


def test_without_a_terminal_nothing_is_drawn() -> None:
    stream = io.StringIO()
    ticker = Ticker(stream, every_plain=0.01)
    ticker.start("keyword.fit")
    time.sleep(0.1)
    ticker.stop()
    assert stream.getvalue() == ""


def test_of_nodes_side_by_side_the_line_names_those_that_go_on() -> None:
    stream = Terminal()
    progress = Progress(Ticker(stream, patience=0.0, every=0.01))
    first, second = (Node(len, inputs="questions", outputs=name, name=name) for name in ("fit", "draw"))
    progress.before_pipeline_run(Pipeline([first, second]))
    progress.before_node_run(first)
    thread = threading.Thread(target=progress.before_node_run, args=[second])
    thread.start()
    thread.join()
    wait_for(stream, "fit, draw: 0 s")
    progress.after_dataset_saved("fit", first)
    wait_for(stream, "\x1b[2Kdraw: 0 s")
    progress.after_pipeline_run()
    assert stream.getvalue().endswith("\x1b[2K\r")
