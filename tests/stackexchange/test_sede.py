import csv
import gzip
import json
import random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from question_classification.stackexchange.errors import InputError
from question_classification.stackexchange.question import QUESTION_SCHEMA, REQUIRED_COLUMNS
from question_classification.stackexchange.sede import SEDE_ROW_LIMIT, read_sede

HEADER = ",".join(REQUIRED_COLUMNS)
ROW = '"5","What is ""R""?","<p>First line,\nsecond line</p>","<r><statistics>","2010-07-19 19:12:12","3","","1","0",""'
QUESTION = {
    **dict.fromkeys(QUESTION_SCHEMA.names),
    "Id": 5,
    "Title": 'What is "R"?',
    "Body": "<p>First line,\nsecond line</p>",
    "Tags": "<r><statistics>",
    "Score": 3,
    "AnswerCount": 1,
    "CommentCount": 0,
}


def read(path, **options) -> tuple[pa.Table, object]:
    harvest = read_sede(path, **options)
    return pa.concat_tables([QUESTION_SCHEMA.empty_table(), *harvest]), harvest


def rows_of(path) -> list[dict[str, object]]:
    rows = read(path)[0].to_pylist()
    for row in rows:
        if row["CreationDate"]:
            assert f"{row['CreationDate']:%Y-%m-%d %H:%M:%S %Z}" == "2010-07-19 19:12:12 UTC"
        row["CreationDate"] = None
    return rows


@pytest.fixture
def export(tmp_path):
    """Return a function that writes an export and returns its path."""

    def write(content: str | bytes, name: str = "export.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER}\r\n{ROW}",
        f"{HEADER}\n{ROW}\n",
        f"\ufeff{HEADER}\r\n{ROW}\r\n\r\n",
        "\ufeff" + ",".join(f'"{name}"' for name in REQUIRED_COLUMNS) + f"\r\n{ROW}",
        f"{HEADER},CommunityOwnedDate,Unreadable\r\n{ROW},wiki,no",
        f"{HEADER.lower()}\n{ROW}",
        f"{HEADER.upper().replace(',', ' , ')}\n{ROW}",
        f"{HEADER},Rank,rank\n{ROW},1,2",
    ],
    ids=[
        "as exported",
        "LF",
        "BOM, blank line",
        "BOM, quoted header",
        "extra columns",
        "lower case",
        "UPPER CASE",
        "unknown one twice",
    ],
)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_spellings_of_one_question(export, content, packed):
    data = gzip.compress(content.encode(), mtime=0) if packed else content
    assert rows_of(export(data, "name-says-nothing.txt")) == [QUESTION]


def test_columns_of_the_schema_are_taken_where_they_are_there(export):
    path = export(f'{HEADER},ContentLicense,ClosedDate,Site\n{ROW},"CC BY-SA 2.5",,stats')
    table, harvest = read(path)
    assert table["ContentLicense"].to_pylist() == ["CC BY-SA 2.5"]
    assert table["ClosedDate"].to_pylist() == [None]
    assert (harvest.source, harvest.site) == ("sede", "stats")


def test_newer_tags(export):
    newer = ROW.replace("<r><statistics>", "|r|statistics|")
    table, harvest = read(export(f"{HEADER}\n{ROW}\n{newer}"))
    assert table["Tags"].to_pylist() == ["<r><statistics>"] * 2
    assert (harvest.sites, harvest.site) == (set(), None)


@pytest.mark.parametrize("batch_rows", [1, 10])
def test_the_site_is_that_of_the_rows_that_name_it(export, batch_rows):
    table, harvest = read(export(f"{HEADER},Site\n{ROW},\n{ROW},stats\n{ROW},stats"), batch_rows=batch_rows)
    assert table["Site"].to_pylist() == [None, "stats", "stats"]
    assert (harvest.sites, harvest.site) == ({"stats"}, "stats")


@pytest.mark.parametrize("batch_rows", [1, 10])
def test_questions_of_several_sites_are_refused(export, batch_rows):
    path = export(f"{HEADER},Site\n{ROW},stats\n{ROW},ai")
    with pytest.raises(InputError, match=r"export\.csv: questions of several sites \(ai, stats\)"):
        read(path, batch_rows=batch_rows)


def test_the_site_of_a_post_that_is_left_out_does_not_count(export):
    table, harvest = read(export(f"{HEADER},Site,PostTypeId\n{ROW},stats,1\n{ROW},ai,2"))
    assert (table.num_rows, harvest.site) == (1, "stats")


def test_values_and_rows_that_cannot_be_read_stay(export):
    short = '"7","cut'
    path = export(f'{HEADER}\n{ROW.replace("2010-07-19", "July 19")}\n{short}",\n"8"\n{ROW},"more"\n{ROW}')
    dated, *broken, good = rows_of(path)
    assert dated == {**QUESTION, "Unreadable": '{"CreationDate": "July 19 19:12:12"}'}
    assert [json.loads(row.pop("Unreadable"))["row"][:2] for row in broken] == [
        ["7", "cut"],
        ["8"],
        ["5", 'What is "R"?'],
    ]
    assert not any(value for row in broken for value in row.values())
    assert good == QUESTION


def test_other_posts_are_left_out_by_their_type(export):
    rows = [f"{ROW},{kind}" for kind in ("1", "2", "2", "5", "")]
    untyped_answer = '"9","","<p>Try this.</p>","","2010-07-19 19:12:12","3","","","0","",""'
    table, harvest = read(export("\n".join([f"{HEADER},PostTypeId", *rows, untyped_answer])))
    assert table.num_rows == 2  # the question and the untyped row that looks like one
    assert harvest.left_out == {"answers": 3, "other_posts": 1}


def test_answers_are_recognised_without_their_type(export):
    answer = '"9","","<p>Try this.</p>","","2010-07-19 19:12:12","3","","","0",""'
    no_body = '"10","","","","2010-07-19 19:12:12","3","","","0",""'
    untitled = '"11","","<p>Why?</p>","<r>","2010-07-19 19:12:12","3","","","0",""'
    table, harvest = read(export("\n".join([HEADER, answer, ROW, answer, no_body, untitled, '"broken"'])))
    assert table["Id"].to_pylist() == [5, 10, 11, None]
    assert harvest.left_out == {"answers": 2}


@pytest.mark.parametrize(("rows", "warned"), [(SEDE_ROW_LIMIT - 1, False), (SEDE_ROW_LIMIT, True)])
def test_an_export_that_was_probably_cut_is_warned_of(export, rows, warned):
    path = export("\n".join([HEADER, *[ROW.replace("\n", " ")] * rows]))
    table, harvest = read(path)
    assert table.num_rows == rows
    assert [("export.csv" in text, "ranges of Id" in text) for text in harvest.warnings] == [(True, True)] * warned


PACKED = gzip.compress(f"{HEADER}\n{ROW}".encode(), mtime=0)
MANY = "\n".join([HEADER, *(ROW.replace('"5"', f'"{i}"', 1) for i in range(20_000))])
NOISE = random.Random(0).randbytes(30_000).hex()  # so that compressed data is long


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ["an empty file"]),
        (b"\xef\xbb\xbf\r\n", ["an empty file"]),
        (gzip.compress(b"", mtime=0), ["an empty file"]),
        (b"PK\x03\x04\x14\0\0\0", ["a binary file", "Download CSV"]),
        (f"{HEADER}\n{ROW}".encode("utf-16"), ["UTF-16"]),
        (b"\n <!DOCTYPE html><html>", ["an HTML or XML page"]),
        (b'{"items": []}', ["JSON"]),
        (b'[{"Id": 5}]', ["JSON"]),
        (b"Id\n5", ["one column (Id)"]),
        (f"{HEADER}\n{ROW}".replace(",", ";").encode(), ["one column", "separated by commas"]),
        (b'"a\nb', ["the header", "never ends"]),
        (b"Id,Title,Body\n1,2,3", ["lacks Tags, CreationDate, Score", "found: Id, Title, Body)"]),
        (f"{HEADER},Id\r\n{ROW},6", ["names Id more than once"]),
        (f"{HEADER},Site,site,BODY\n{ROW},stats,ai,b", ["names Body, Site more than once"]),
        (f"{HEADER}\r\n", ["a header but no rows"]),
        (f"{HEADER}", ["a header but no rows"]),
        (f'{HEADER}\n{ROW}\n"6","cut <p>off\nhere', ["row 2 (line 4)", "never ends", "export it again"]),
        (f'{HEADER}\n{ROW}\n"6","', ["row 2 (line 4)", "never ends"]),
        (f'{HEADER}\n{ROW}\n{ROW}\n"6","a "stray" quote",', ["row 3 (line 6)", "must be doubled"]),
        (f"{HEADER}\n{ROW}\n".encode() + b'"caf\xe9"', ["not UTF-8", f"byte {len(HEADER) + len(ROW) + 6}"]),
        (f"{HEADER}\n{ROW}\n{'é' * 2**20}\n".encode() + b"\xff", ["not UTF-8", "byte 2,097,"]),
        (f"{HEADER}\n{ROW}".encode() + "é".encode()[:1], ["not UTF-8", f"byte {len(HEADER) + len(ROW) + 1}"]),
        (
            gzip.compress(f"{HEADER}\n{ROW}\n".encode() + b"\xe9", mtime=0),
            ["not UTF-8", f"byte {len(HEADER) + len(ROW) + 2}"],
        ),
        (gzip.compress(f"{HEADER}\n{ROW}\n{NOISE}".encode(), mtime=0)[:10_000], ["gzip", "truncated"]),
        (PACKED[:20], ["gzip", "truncated"]),
        (PACKED[:3], ["gzip", "truncated"]),
        (PACKED[:-8] + bytes(8), ["gzip", "damaged", "CRC"]),
        (PACKED[:12] + b"\xff\xff\xff" + PACKED[15:], ["gzip", "damaged"]),
        (gzip.compress(MANY.encode(), mtime=0)[:-9], ["gzip", "truncated", "after row 1"]),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_line(export, content, parts):
    path = export(content)
    with pytest.raises(InputError) as error:
        read(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(InputError, match=r"absent\.csv: no such file"):
        read_sede(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="a folder; give the CSV file"):
        read_sede(tmp_path)


def test_the_header_is_checked_before_the_batches_are_read(export):
    with pytest.raises(InputError, match="lacks"):
        read_sede(export("a,b\n1,2"))
    read_sede(export(f'{HEADER}\n{ROW}\n"never ends'))  # found only when it is reached


# What a browser can send and a site can store: no surrogates and no NUL.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30) | st.text(
    alphabet='",\r\n\ufeff ;<é\u2028\x1c', max_size=10
)
COUNT = st.none() | st.integers(-(2**63), 2**63 - 1)
TAGS = st.lists(st.from_regex(r"[a-z0-9+#.-]{1,8}", fullmatch=True), max_size=5)


@st.composite
def tables(draw) -> pa.Table:
    rows = []
    for _ in range(draw(st.integers(1, 6))):
        row = {name: draw(COUNT) for name in REQUIRED_COLUMNS}
        row["Title"] = draw(TEXT) + "?"  # a row without title and tags would be an answer
        row["Body"] = draw(TEXT) or None
        row["Tags"] = "".join(f"<{tag}>" for tag in draw(TAGS)) or None
        row["CreationDate"] = draw(st.none() | st.integers(0, 4_102_444_800).map(lambda seconds: seconds * 1000))
        rows.append(row)
    return pa.Table.from_pylist(rows, QUESTION_SCHEMA)


@given(table=tables(), order=st.permutations(REQUIRED_COLUMNS), batch_rows=st.integers(1, 4))
@settings(deadline=None)
def test_what_the_data_explorer_writes_comes_back_the_same(tmp_path_factory, table, order, batch_rows):
    path = tmp_path_factory.mktemp("sede") / "QueryResults.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(order) + "\r\n")
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        for row in table.to_pylist():
            row["CreationDate"] = row["CreationDate"] and f"{row['CreationDate']:%Y-%m-%d %H:%M:%S}"
            writer.writerow(["" if row[name] is None else row[name] for name in order])
        file.truncate(file.tell() - 2)
    assert read(path, batch_rows=batch_rows)[0].combine_chunks().equals(table.combine_chunks())


def test_cross_validated(stackexchange_data):
    table, harvest = read(stackexchange_data / "cross_validated_2016.csv", batch_rows=500)
    assert table.num_rows == 2_615
    assert sum("<machine-learning>" in tags for tags in table["Tags"].to_pylist()) == 243
    assert table["Unreadable"].null_count == table.num_rows
    assert not harvest.left_out
    assert not harvest.warnings
    assert table.equals(read(stackexchange_data / "cross_validated_2016.csv")[0])


@pytest.mark.parametrize(
    ("name", "rows"), [("stackoverflow_2018.csv.gz", 16_586), ("sede_export_stackoverflow_2022.csv", 352)]
)
def test_stack_overflow(stackexchange_data, name, rows):
    table, _ = read(stackexchange_data / name)
    assert table.num_rows == rows
    assert table["Unreadable"].null_count == table.num_rows
    assert table["Id"].null_count == table["Body"].null_count == table["CreationDate"].null_count == 0
