import subprocess
import sys
from pathlib import Path

import pytest
from kedro.io import DataCatalog, DatasetError, MemoryDataset
from kedro.pipeline import Node, Pipeline
from kedro_datasets.text import TextDataset

from question_classification.datasets.given import GivenDataset
from question_classification.datasets.raw import RawOriginDataset, RawQuestionsDataset
from question_classification.datasets.staging import StagedOutputs, check_inputs
from question_classification.datasets.tuning import OptionalJSONDataset, TrialsDataset
from question_classification.stackexchange.errors import InputError
from question_classification.stackexchange.harvest import Harvest
from question_classification.stackexchange.simulated import simulate


def shout(word: str) -> str:
    return word.upper()


WORDS = Pipeline([Node(shout, "word", "loud_word", name="a"), Node(shout, "loud_word", "louder_word", name="b")])


@pytest.fixture
def words(tmp_path: Path) -> DataCatalog:
    """`word` has been made, `loud_word` holds what an earlier run wrote, `louder_word` is yet to be made."""
    paths = {"word": "01/word.txt", "loud_word": "02/loud.txt", "louder_word": "03/deep/louder.txt"}
    catalog = DataCatalog({name: TextDataset(filepath=str(tmp_path / path)) for name, path in paths.items()})
    catalog.save("word", "hello")
    catalog.save("loud_word", "EARLIER")
    return catalog


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


EARLIER = {"01/word.txt": "hello", "02/loud.txt": "EARLIER"}


class TestStagedOutputs:
    def test_outputs_are_in_place_after_commit_only(self, words: DataCatalog, tmp_path: Path) -> None:
        staged = StagedOutputs(WORDS, words, tmp_path)
        words.save("loud_word", "HELLO")
        words.save("louder_word", "HELLO!")
        assert (tmp_path / "02/loud.txt").read_text() == "EARLIER"
        assert not (tmp_path / "03").exists()
        staged.commit()
        assert contents(tmp_path) == {"01/word.txt": "hello", "02/loud.txt": "HELLO", "03/deep/louder.txt": "HELLO!"}

    def test_later_nodes_read_what_earlier_ones_wrote(self, words: DataCatalog, tmp_path: Path) -> None:
        StagedOutputs(WORDS, words, tmp_path)
        words.save("loud_word", "HELLO")
        assert words.load("loud_word") == "HELLO"
        assert words.load("word") == "hello"

    def test_datasets_point_at_their_own_paths_again(self, words: DataCatalog, tmp_path: Path) -> None:
        staged = StagedOutputs(WORDS, words, tmp_path)
        words.save("loud_word", "HELLO")
        staged.commit()
        staged.discard()  # there is nothing left to
        words.save("loud_word", "AGAIN")
        assert words.load("loud_word") == "AGAIN"

    def test_discard_leaves_everything_as_it_was(self, words: DataCatalog, tmp_path: Path) -> None:
        staged = StagedOutputs(WORDS, words, tmp_path)
        words.save("loud_word", "HELLO")
        staged.discard()
        assert contents(tmp_path) == EARLIER

    def test_node_that_comes_to_its_outputs_after_discard_writes_nothing(
        self, words: DataCatalog, tmp_path: Path
    ) -> None:
        """As one does that an interrupt has left behind in a thread."""
        staged = StagedOutputs(WORDS, words, tmp_path)
        words.save("loud_word", "HELLO")
        staged.discard()
        for name in ("loud_word", "louder_word"):
            with pytest.raises(DatasetError):
                words.save(name, "LATE")
        assert contents(tmp_path) == EARLIER

    def test_what_was_not_written_stays(self, words: DataCatalog, tmp_path: Path) -> None:
        staged = StagedOutputs(WORDS, words, tmp_path)
        words.save("louder_word", "HELLO!")
        staged.commit()
        assert contents(tmp_path) == {**EARLIER, "03/deep/louder.txt": "HELLO!"}

    def test_folder_is_replaced_as_a_whole(self, tmp_path: Path) -> None:
        """The second dataset reads the folder that the first one writes, under another name."""
        folder = tmp_path / "01_raw" / "questions"
        catalog = DataCatalog(
            {
                "questions@table": RawQuestionsDataset(filepath=str(folder), source="sede"),
                "questions@origin": RawOriginDataset(filepath=str(folder)),
                "summary": TextDataset(filepath=str(tmp_path / "02_intermediate" / "summary.txt")),
            }
        )
        pipeline = Pipeline([Node(shout, "source", "questions@table"), Node(shout, "questions@origin", "summary")])
        catalog.save("questions@table", simulate(50, 1, "2012-01"))
        (folder / "1999-01.parquet").write_bytes(b"a part of an earlier run")

        staged = StagedOutputs(pipeline, catalog, tmp_path)
        catalog.save("questions@table", simulate(3, 1, "2010-07"))
        assert catalog.load("questions@origin")["rows"] == 3
        assert (folder / "1999-01.parquet").exists()
        staged.commit()
        assert sorted(path.name for path in folder.iterdir()) == ["2010-07.parquet", "_source.json"]
        assert [path.name for path in tmp_path.iterdir()] == ["01_raw"]

    def test_datasets_elsewhere_are_left_alone(self, tmp_path: Path) -> None:
        remote = TextDataset(filepath="memory://bucket/loud.txt")
        catalog = DataCatalog({"word": MemoryDataset("hello"), "loud_word": remote, "louder_word": MemoryDataset()})
        staged = StagedOutputs(WORDS, catalog, tmp_path)
        catalog.save("loud_word", "HELLO")
        staged.discard()
        assert catalog.load("loud_word") == "HELLO"
        assert list(tmp_path.iterdir()) == []

    def test_outputs_outside_the_folder_are_left_alone(self, words: DataCatalog, tmp_path: Path) -> None:
        """They are written where they are, and what fails later does not take them back."""
        staged = StagedOutputs(WORDS, words, tmp_path / "03")
        words.save("loud_word", "HELLO")
        words.save("louder_word", "HELLO!")
        assert (tmp_path / "02/loud.txt").read_text() == "HELLO"
        assert not (tmp_path / "03/deep").exists()
        staged.discard()
        assert contents(tmp_path) == {**EARLIER, "02/loud.txt": "HELLO"}

    def test_kept_output_is_written_in_place_and_outlives_a_run_that_fails(
        self, words: DataCatalog, tmp_path: Path
    ) -> None:
        trial = {"study": "a", "number": 0, "values": {"C": 1.0}, "scores": [0.5], "pruned": False}
        words["trials"] = TrialsDataset(filepath=str(tmp_path / "06/trials.json"), name="candidate")
        staged = StagedOutputs(WORDS + Pipeline([Node(shout, "louder_word", "trials")]), words, tmp_path)
        words.save("loud_word", "HELLO")
        words.save("trials", trial)
        assert (tmp_path / "06/trials.json").exists()
        staged.discard()
        assert words.load("trials") == [trial]
        assert (tmp_path / "02/loud.txt").read_text() == "EARLIER"

    @pytest.mark.usefixtures("words")
    def test_process_that_ends_in_the_middle_leaves_nothing_behind(self, tmp_path: Path) -> None:
        """Neither hook of the end of a run is called on Ctrl-C."""
        process = subprocess.run(
            [sys.executable, "-c", INTERRUPTED, tmp_path], capture_output=True, text=True, timeout=60, check=False
        )
        assert process.stdout.split() == ["02/loud.txt"], process.stderr
        assert "KeyboardInterrupt" in process.stderr
        assert contents(tmp_path) == EARLIER
        assert not list(tmp_path.glob(".staging-*"))


INTERRUPTED = """
import sys
from pathlib import Path

from kedro.io import DataCatalog
from kedro.pipeline import Node, Pipeline
from kedro_datasets.text import TextDataset

from question_classification.datasets.staging import StagedOutputs

root = Path(sys.argv[1])
catalog = DataCatalog({"loud_word": TextDataset(filepath=str(root / "02/loud.txt"))})
StagedOutputs(Pipeline([Node(print, "word", "loud_word")]), catalog, root)
catalog.save("loud_word", "HELLO")
(folder,) = root.glob(".staging-*")
print(*[path.relative_to(folder) for path in folder.rglob("*") if path.is_file()])
raise KeyboardInterrupt
"""


class TestAfterARunThatWasKilled:
    def test_its_leftovers_are_removed(self, words: DataCatalog, tmp_path: Path) -> None:
        leftover = tmp_path / f".staging-{dead_process()}" / "02"
        leftover.mkdir(parents=True)
        (leftover / "loud.txt").write_text("HALF")
        StagedOutputs(WORDS, words, tmp_path).discard()
        assert contents(tmp_path) == EARLIER
        assert not leftover.parent.exists()

    def test_leftovers_are_removed_whichever_outputs_the_next_run_has(self, words: DataCatalog, tmp_path: Path) -> None:
        """The first run wrote to all layers, the next one writes to one of them, and then it is the other way round."""
        last = WORDS.filter(node_names=["b"])
        for written, pipeline in (("02/loud.txt", last), ("03/deep/louder.txt", WORDS)):
            leftover = tmp_path / f".staging-{dead_process()}" / written
            leftover.parent.mkdir(parents=True)
            leftover.write_text("HALF")
            StagedOutputs(pipeline, words, tmp_path).discard()
            assert not list(tmp_path.glob(".staging-*")), written
        assert contents(tmp_path) == EARLIER

    def test_leftovers_are_removed_by_a_run_without_outputs(self, tmp_path: Path) -> None:
        """Or with none below the folder."""
        leftover = tmp_path / f".staging-{dead_process()}" / "02"
        leftover.mkdir(parents=True)
        catalog = DataCatalog({name: MemoryDataset("hello") for name in ("word", "loud_word", "louder_word")})
        StagedOutputs(WORDS, catalog, tmp_path).discard()
        assert list(tmp_path.iterdir()) == []

    def test_half_way_replacement_of_a_folder_is_undone(self, words: DataCatalog, tmp_path: Path) -> None:
        """It was killed after it had moved the earlier folder away, and before the new one took its place."""
        staging = tmp_path / f".staging-{dead_process()}"
        for folder, text in ((".earlier/01/parts", "earlier"), ("01/parts", "new")):
            (staging / folder).mkdir(parents=True)
            (staging / folder / "2010-07.txt").write_text(text)
        StagedOutputs(WORDS, words, tmp_path).discard()
        assert contents(tmp_path) == {**EARLIER, "01/parts/2010-07.txt": "earlier"}
        assert not staging.exists()

    def test_replacement_that_was_complete_stays(self, words: DataCatalog, tmp_path: Path) -> None:
        staging = tmp_path / f".staging-{dead_process()}"
        for folder, text in ((staging / ".earlier/01/parts", "earlier"), (tmp_path / "01/parts", "new")):
            folder.mkdir(parents=True)
            (folder / "2010-07.txt").write_text(text)
        StagedOutputs(WORDS, words, tmp_path).discard()
        assert contents(tmp_path) == {**EARLIER, "01/parts/2010-07.txt": "new"}

    def test_outputs_of_a_run_that_still_goes_on_are_left_alone(self, words: DataCatalog, tmp_path: Path) -> None:
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
            theirs = tmp_path / f".staging-{other.pid}" / "loud.txt"
            theirs.parent.mkdir()
            theirs.write_text("HALF")
            StagedOutputs(WORDS, words, tmp_path).discard()
            assert theirs.exists()
            other.communicate(b"\n")


class TestCheckInputs:
    def test_present_inputs_pass(self, words: DataCatalog) -> None:
        check_inputs(WORDS, words)

    def test_absent_input_is_named_with_its_file(
        self, words: DataCatalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "01/word.txt").unlink()
        monkeypatch.chdir(tmp_path)
        with pytest.raises(InputError, match=r"^01/word\.txt: word has not been made yet"):
            check_inputs(WORDS, words)

    def test_optional_input_may_be_absent(self, tmp_path: Path) -> None:
        catalog = DataCatalog(
            {
                "tuned": OptionalJSONDataset(filepath=str(tmp_path / "tuned.json")),
                "trials": TrialsDataset(filepath=str(tmp_path / "trials.json"), name="candidate"),
            }
        )
        check_inputs(Pipeline([Node(max, ["tuned", "trials"], "largest")]), catalog)

    def test_absent_input_is_named_beside_an_optional_one(self, words: DataCatalog, tmp_path: Path) -> None:
        (tmp_path / "01/word.txt").unlink()
        words["tuned"] = OptionalJSONDataset(filepath=str(tmp_path / "tuned.json"))
        with pytest.raises(InputError, match="word has not been made yet"):
            check_inputs(Pipeline([Node(max, ["tuned", "word"], "largest")]), words)

    def test_parameters_and_memory_are_no_files(self) -> None:
        pipeline = Pipeline([Node(max, ["params:number", "parameters", "memory"], "largest")])
        check_inputs(pipeline, DataCatalog({"memory": MemoryDataset(1)}))

    def test_what_a_hook_gives_later_is_no_file_either(self) -> None:
        check_inputs(Pipeline([Node(max, ["run"], "largest")]), DataCatalog({"run": GivenDataset()}))

    def test_what_only_another_node_could_put_into_memory_is_named(self) -> None:
        with pytest.raises(InputError, match=r"^memory is kept in memory only.*--to-nodes"):
            check_inputs(Pipeline([Node(max, ["memory"], "largest")]), DataCatalog({"memory": MemoryDataset()}))


def test_harvest_is_written_aside_even_when_it_breaks_off(tmp_path: Path) -> None:
    def break_off():
        yield from simulate(3, 1, "2010-07")
        raise InputError("the line went dead")

    folder = tmp_path / "01_raw" / "questions"
    catalog = DataCatalog({"questions": RawQuestionsDataset(filepath=str(folder), source="sede")})
    catalog.save("questions", simulate(5, 2, "2010-07"))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    staged = StagedOutputs(Pipeline([Node(shout, "source", "questions")]), catalog, tmp_path)
    with pytest.raises(Exception, match="the line went dead"):
        catalog.save("questions", Harvest("test", break_off()))
    staged.discard()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir() if path.suffix != ".lock"] == ["questions"]
