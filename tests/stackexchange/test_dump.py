import random
import re
import sys
import zipfile
from collections import Counter
from itertools import pairwise
from xml.etree import ElementTree

import py7zr
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from question_classification.stackexchange.dump import DUMP_COLUMNS, read_dump
from question_classification.stackexchange.errors import BrokenSourceError, InputError
from question_classification.stackexchange.question import QUESTION_SCHEMA
from question_classification.stackexchange.raw import read_raw, read_source, write_raw
from question_classification.stackexchange.simulated import simulate
from question_classification.stackexchange.simulation.dump import write_dump

HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<posts>\n'
ROW = (
    '  <row Id="5" PostTypeId="1" AcceptedAnswerId="6" CreationDate="2010-07-19T19:12:12.510" Score="-3" '
    'ViewCount="9" Body="&lt;p&gt;It\'s &quot;R&quot; &amp;amp; é😀&lt;/p&gt;&#xA;&#xD;&#x9;" OwnerUserId="8" '
    'LastEditorUserId="42" LastActivityDate="2010-07-19T19:12:12.000" Title="What is &quot;R&quot;?" '
    'Tags="&lt;r&gt;&lt;statistics&gt;" AnswerCount="1" CommentCount="0" ContentLicense="CC BY-SA 2.5" />\n'
)
QUESTION = {
    **dict.fromkeys(QUESTION_SCHEMA.names),
    "Id": 5,
    "AcceptedAnswerId": 6,
    "CreationDate": "2010-07-19T19:12:12.510+00:00",
    "Score": -3,
    "ViewCount": 9,
    "Body": '<p>It\'s "R" &amp; é😀</p>\n\r\t',
    "OwnerUserId": 8,
    "LastActivityDate": "2010-07-19T19:12:12.000+00:00",
    "Title": 'What is "R"?',
    "Tags": "<r><statistics>",
    "AnswerCount": 1,
    "CommentCount": 0,
    "ContentLicense": "CC BY-SA 2.5",
}
ANSWER = '  <row Id="6" PostTypeId="2" ParentId="5" CreationDate="2010-07-19T20:00:00.000" Score="1" Body="So." />\n'
WIKI = '  <row Id="7" PostTypeId="5" CreationDate="2010-07-19T20:00:00.000" Score="0" Body="R is." />\n'
END = "</posts>"
REAL = {
    "ai.stackexchange.com_2017-03": (604, {"answers": 1004, "other_posts": 127}),
    "datascience.meta.stackexchange.com_2024": (257, {"answers": 341, "other_posts": 26}),
}


def read(path, **options) -> tuple[pa.Table, object]:
    harvest = read_dump(path, **options)
    return pa.concat_tables([QUESTION_SCHEMA.empty_table(), *harvest]), harvest


def read_broken(path) -> tuple[pa.Table, object, str]:
    """Return what comes before the break, and what is said of it."""
    harvest = read_dump(path)
    tables = [QUESTION_SCHEMA.empty_table()]
    with pytest.raises(BrokenSourceError) as error:
        tables.extend(harvest)
    message = str(error.value)
    assert message.startswith(f"{path}: breaks off at byte ")
    assert "\n" not in message
    assert "download it again" in message
    return pa.concat_tables(tables), harvest, message


def rows_of(table: pa.Table) -> list[dict[str, object]]:
    rows = table.to_pylist()
    for row in rows:
        for name, value in row.items():
            row[name] = value.isoformat(timespec="milliseconds") if hasattr(value, "isoformat") else value
    return rows


@pytest.fixture
def dump(tmp_path):
    """Return a function that writes a file and returns its path."""

    def write(content: str | bytes, name: str = "Posts.xml"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


WHOLE = HEAD + ROW + ANSWER + WIKI + ROW + END


@pytest.mark.parametrize(
    "content",
    [
        WHOLE,
        WHOLE.replace("\n", "\r\n"),
        f"\ufeff{WHOLE}\r\n",
        WHOLE.replace("\n", "").replace("  <row", "<row"),
        WHOLE.replace("<posts>", "<!-- Licensed <row /> under\nCC BY-SA -->\n<?x y?><posts>"),
        WHOLE.replace("<posts>", '<posts xmlns:x="urn:x">').removeprefix(HEAD.splitlines()[0]),
        WHOLE.replace(ANSWER, "<!-- <row /> -->" + ANSWER + '<!-- <row Id="6" PostTypeId="2" /> -->'),
        WHOLE.replace(WIKI, WIKI + "<?row a?>").replace(END, END + "<!-- end -->\n"),
        WHOLE.replace(" />", "></row>"),
        WHOLE.replace('="', " = '").replace('" ', "' ").replace("It's", "It&#39;s"),
        WHOLE.encode("utf-16-le"),
        WHOLE.encode("utf-16-be"),
        WHOLE.replace("utf-8", "UTF-16").encode("utf-16"),
        f"\ufeff{WHOLE}\r\n".encode("utf-16-be"),
        WHOLE.replace("&lt;r&gt;&lt;statistics&gt;", "|r|statistics|"),
        WHOLE.replace("&lt;r&gt;&lt;statistics&gt;", "r|statistics"),
        WHOLE.replace("&#xA;", "&#10;").replace("é", "&#xE9;").replace("😀", "&#x01F600;"),
    ],
    ids=[
        "LF",
        "CRLF",
        "BOM",
        "one line",
        "licence",
        "no declaration",
        "comments",
        "at the end",
        "closing tags",
        "single quotes",
        "UTF-16 LE",
        "UTF-16 BE",
        "UTF-16 LE BOM",
        "UTF-16 BE BOM",
        "newer tags",
        "bare tags",
        "other references",
    ],
)
def test_spellings_of_one_question(dump, content):
    table, harvest = read(dump(content, "name-says-nothing.txt"))
    assert rows_of(table) == [QUESTION, QUESTION]
    assert harvest.left_out == {"answers": 1, "other_posts": 1}
    assert not harvest.repaired
    assert (harvest.source, harvest.site, harvest.warnings) == ("dump", None, [])


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ('Id="1" PostTypeId="1"', None),
        ('Id="1" PostTypeId="2" Title="t" Tags="r"', "answers"),
        ('PostTypeId="2" Id="1"', "answers"),
        ('Id="x" PostTypeId="2"', "answers"),
        ('Id="1" PostTypeId="3"', "other_posts"),
        ('Id="1" PostTypeId="17"', "other_posts"),
        ('Id="1" PostTypeId="0"', "other_posts"),
        ('Id="1000000001" PostTypeId="1"', "fabricated"),
        ('Id="1000000010" PostTypeId="2"', "fabricated"),
        ('Id="0001000000000" PostTypeId="5"', "fabricated"),
        ('Id="999999999" PostTypeId="1"', None),
        ('Id="0000000005" PostTypeId="1"', None),
        (f'Id="{"9" * 5000}"', "fabricated"),
        ('Id="1" Body="b" Title="t"', None),
        ('Id="1" Body="b" Tags="r" PostTypeId="one"', None),
        ('Id="1" Body="b"', "answers"),
        ('Id="1" ParentId="5" Title="t" PostTypeId=""', "answers"),
        ('PostTypeId="1" Title="no Id"', None),
        ("", None),
    ],
)
def test_rows_that_are_no_questions_are_counted(dump, attributes, kind):
    table, harvest = read(dump(f"{HEAD}<row {attributes} />{ROW}{END}"))
    assert table.num_rows == (1 if kind else 2)
    assert harvest.left_out == ({kind: 1} if kind else {})


def test_values_that_cannot_be_read_stay(dump):
    table, _ = read(dump(HEAD + ROW.replace('"-3"', '"many"').replace('"5"', '"-5.5"') + END))
    assert rows_of(table) == [{**QUESTION, "Id": None, "Score": None, "Unreadable": '{"Id": "-5.5", "Score": "many"}'}]


UNDECODABLE = (b"caf\xe9", b"\xc0\x80\xff", b"\xe2\x82")
ILLEGAL = "&#x0E; &#x00; &#0; &#00014; &#xD83D; &#xDE00; &#55357; &#xFFFF; &#xfffe; &#x110000; &#99999999999; &#x1f;"


@pytest.mark.parametrize(
    ("written", "read_as", "count"),
    [(reference, "\ufffd", 1) for reference in ILLEGAL.split()]
    + [
        (ILLEGAL, " ".join("\ufffd" * 12), 12),
        ("&#0;&#xD;&#0;", "\ufffd\r\ufffd", 2),
        ("\0\x0e\x1f", "\ufffd" * 3, 3),
        ("\uffff\ufffe", "\ufffd" * 2, 2),
        (b"caf\xe9", "caf\ufffd", 1),
        (b"\xc0\x80\xff", "\ufffd" * 3, 3),
        (b"\xed\xa0\xbd", "\ufffd", 1),
        (b"\xe2\x82", "\ufffd" * 2, 2),
    ],
)
def test_what_xml_forbids_is_replaced_and_counted(dump, written, read_as, count):
    written = written if isinstance(written, bytes) else written.encode()
    row = ROW.encode().replace(b"It's", b"a" + written + b"b")
    assert row != ROW.encode()
    content = HEAD.encode() + ROW.encode() + row + ANSWER.replace("So.", "&#0;").encode() + row + ROW.encode()
    table, harvest = read(dump(content + END.encode()))
    repaired = {**QUESTION, "Body": QUESTION["Body"].replace("It's", f"a{read_as}b")}
    assert rows_of(table) == [QUESTION, repaired, repaired, QUESTION]
    kind = "undecodable_bytes" if written in UNDECODABLE else "illegal_characters"
    assert harvest.repaired == {kind: 2 * count}  # in rows that were kept
    assert len(harvest.warnings) == 1
    assert harvest.left_out == {"answers": 1}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("block_bytes", [1, 2, 3, 7, 100, 1_000])
def test_blocks_do_not_matter(dump, encoding, block_bytes):
    rows = ROW + ANSWER + ROW.replace("It's", "&#0;") + "<!-- <row /> \n<row -->" + WIKI + ROW
    table, harvest = read(dump(f"\ufeff{HEAD}{rows}{END}".encode(encoding)), block_bytes=block_bytes)
    assert [row == QUESTION for row in rows_of(table)] == [True, False, True]
    assert harvest.left_out == {"answers": 1, "other_posts": 1}
    assert harvest.repaired == {"illegal_characters": 1}


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_half_a_surrogate_pair_in_utf_16(dump, order):
    content = f"\ufeff{WHOLE}".replace("It's", "a\ud83db").encode(order, "surrogatepass")
    table, harvest = read(dump(content))
    assert [body[:6] for body in table["Body"].to_pylist()] == ["<p>a\ufffdb"] * 2
    assert harvest.repaired == {"illegal_characters": 2}


ENTITIES = '<!DOCTYPE posts [<!ENTITY a "aaaa"><!ENTITY b SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ["an empty file"]),
        (b"\xef\xbb\xbf\r\n", ["an empty file"]),
        (b"<!DOCTYPE html>\n<html>", ["an HTML page", "Posts.xml is needed"]),
        (b"\n<HTML><body/></HTML>", ["an HTML page"]),
        (b"\x1f\x8b\x08\0\0", ["compressed", "unpack it"]),
        (WHOLE.replace("posts", "users"), ["<users>", "Posts.xml is needed"]),
        (WHOLE.replace("<posts>", ENTITIES + "<posts>"), ["document type"]),
        (WHOLE.replace("utf-8", "windows-1252"), ["windows-1252", "save it as UTF-8"]),
        ("<posts />", ["no posts"]),
        (HEAD[:40], ["<posts> is not where it should be"]),
        ("Id,Title\n1,2", ["not a file of the data dump"]),
        ("<!-- licence ", ["not a file of the data dump"]),
        (b'{"items": []}', ["not a file of the data dump"]),
        (bytes(100), ["not a file of the data dump"]),
    ],
)
def test_what_is_no_dump_is_said_at_once(dump, content, parts):
    path = dump(content)
    with pytest.raises(InputError) as error:
        read_dump(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    for part in parts:
        assert part in str(error.value)


def test_a_zip_a_folder_and_no_file(tmp_path):
    with zipfile.ZipFile(tmp_path / "site.zip", "w") as archive:
        archive.writestr("Posts.xml", WHOLE)
    with pytest.raises(InputError, match=r"site\.zip: a compressed file"):
        read_dump(tmp_path / "site.zip")
    with pytest.raises(InputError, match=r"absent\.xml: no such file"):
        read_dump(tmp_path / "absent.xml")
    with pytest.raises(InputError, match=r"a folder; give the path of a Posts\.xml"):
        read_dump(tmp_path)
    (tmp_path / "Posts.xml").write_text(WHOLE)
    with pytest.raises(InputError, match=rf"a folder; give {tmp_path}/Posts\.xml"):
        read_dump(tmp_path)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ('<row Id="9" Id="9" PostTypeId="1" />', "no well-formed row"),
        ('<row Id="9" Title="&nbsp;" />', "no well-formed row"),
        ('<row Id="9" Title="a<b" />', "no well-formed row"),
        ('<row Id="9" Title="lost />', "no well-formed row"),
        ('<row Id="9" PostTypeId="2" Body="lost />', "no well-formed row"),
        ('?row Id="9" />', "no well-formed row"),
        ('<rows Id="9" />', "no well-formed row"),
        ('<row Id="9"><row Id="10" /></row>', "no well-formed row"),
        ('<row xmlns="urn:x" Id="9" />', "no well-formed row"),
        ("<![CDATA[<row />]]>", "no well-formed row"),
        ("</posts><posts>", "something stands after the end"),
        ("\0\0\0", "no well-formed row"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-be"])
def test_a_break_is_found_where_it_is(dump, broken, reason, encoding):
    before, after = HEAD + ROW + ANSWER + ROW, ROW * 3 + END
    table, harvest, message = read_broken(dump((before + broken + after).encode(encoding)))
    assert rows_of(table) == [QUESTION] * 2
    assert harvest.left_out == {"answers": 1}
    assert reason in message
    # Blanks between the rows belong to what is whole.
    assert f"at byte {len(before.encode(encoding)):,}: " in message


@pytest.mark.parametrize("block_bytes", [100, 2**18])
def test_a_question_that_lost_its_beginning_is_no_part_of_the_answer_before_it(dump, block_bytes):
    path = dump(HEAD + ROW + ANSWER + ROW.replace("<row", "?row") + ROW + END)
    with pytest.raises(BrokenSourceError, match=f"at byte {len((HEAD + ROW + ANSWER).encode()) + 2}: "):
        read(path, block_bytes=block_bytes)


@pytest.mark.parametrize("unended", ['<row Id="9" PostTypeId="1" Body="', "<!--", "<!-- <row "], ids=str)
def test_what_never_ends_takes_no_memory(dump, unended):
    path = dump(HEAD + ROW + unended)
    with path.open("ab") as file:
        for _ in range(30):
            file.write(b"a" * 2**20)
    table, _, message = read_broken(path)
    assert rows_of(table) == [QUESTION]
    assert f"at byte {len((HEAD + ROW).encode()):,}: " in message
    assert "does not end within 8,388,608 bytes" in message


def test_long_rows_and_many_blocks(dump):
    """Rows of 3 MB, over many blocks, between others."""
    long = ROW.replace("It's", "é" * 1_500_000)
    table, _ = read(dump(HEAD + ROW + long + ROW * 2_000 + long + END), batch_rows=500)
    assert table["Id"].to_pylist() == [5] * 2_003
    assert [row for row, body in enumerate(table["Body"].to_pylist()) if len(body) > 1_500_000] == [1, 2_002]


# ---- Real dumps


@pytest.fixture(params=REAL)
def real(request, stackexchange_data):
    path = stackexchange_data / "dumps" / request.param / "Posts.xml"
    if not path.exists():
        pytest.skip(f"no {path}")
    return path


def test_a_real_dump_against_another_parser(real):
    table, harvest = read(real, batch_rows=100)
    count, left_out = REAL[real.parent.name]
    assert (table.num_rows, harvest.left_out) == (count, left_out)
    assert count + sum(left_out.values()) == real.read_bytes().count(b"<row ")
    assert table["Unreadable"].null_count == count
    assert not harvest.repaired

    expected = [row.attrib for row in ElementTree.parse(real).getroot() if row.get("PostTypeId") == "1"]
    for name in DUMP_COLUMNS:
        values = [row.get(name) for row in expected]
        if pa.types.is_timestamp(QUESTION_SCHEMA.field(name).type):
            values = [value and f"{value}+00:00" for value in values]
        elif pa.types.is_integer(QUESTION_SCHEMA.field(name).type):
            values = [value and int(value) for value in values]
        elif name == "Tags":
            values = [value.replace("><", "|").strip("<>|").split("|") for value in values]
            table = table.set_column(3, "Tags", [[tags[1:-1].split("><") for tags in table["Tags"].to_pylist()]])
        assert [row[name] for row in rows_of(table)] == values


def test_a_real_dump_in_utf_16(real, tmp_path):
    text = real.read_text(encoding="utf-8")
    (tmp_path / "Posts.xml").write_text(text, encoding="utf-16-le")
    assert read(tmp_path / "Posts.xml")[0].equals(read(real)[0])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_a_real_dump_that_is_cut(real, tmp_path, encoding):
    content = real.read_text(encoding="utf-8").encode(encoding)
    row, closing, newline = (text.encode(encoding) for text in ("<row ", "/>", "&#xA;"))
    starts = []
    while (start := content.find(row, starts[-1] + 1 if starts else 0)) >= 0:
        starts.append(start)
    ends = [content.rfind(closing, start, end) + len(closing) for start, end in pairwise([*starts, len(content)])]
    starts.append(ends[-1] + len("\n".encode(encoding)))  # of </posts>
    whole = read(real)[0]
    kinds = [row.get("PostTypeId") for row in ElementTree.parse(real).getroot()]
    accent = next(position for position in range(200_000, len(content)) if content[position] > 0x7F)
    cuts = {
        "in the first row": starts[0] + 99,
        "before a row": starts[300],
        "after a row": ends[400],
        "at the last byte of a row": ends[500] - 1,
        "in the name of the element": starts[600] + 2,
        "in a character": accent + 1,
        "in a reference": content.find(newline, 400_000) + 3,
        "in the last row": ends[-1] - 20,
        "before the end": starts[-1],
        "in the end": starts[-1] + 5,
    }
    for place, cut in cuts.items():
        path = tmp_path / "Posts.xml"
        path.write_bytes(content[:cut])
        table, harvest, message = read_broken(path)
        complete = sum(end <= cut for end in ends)
        assert table.num_rows + harvest.left_out.total() == complete, place
        assert table.equals(whole.slice(0, kinds[:complete].count("1"))), place
        assert f"at byte {min(cut, starts[complete]):,}: the file ends" in message, place


# ---- What is written comes back


TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=30
) | st.text(alphabet="\"',\r\n\t<>& é\u2028😀", max_size=10)
COUNT = st.none() | st.integers(-(2**63), 2**63 - 1)
MOMENT = st.none() | st.integers(0, 4_102_444_800_000)
TAGS = st.lists(st.from_regex(r"[a-z0-9+#.-]{1,8}", fullmatch=True), max_size=5)


@st.composite
def tables(draw) -> pa.Table:
    rows = []
    for number in draw(st.lists(st.integers(1, 999_999_999), min_size=1, max_size=6, unique=True)):
        row = {}
        for name in DUMP_COLUMNS:
            kind = QUESTION_SCHEMA.field(name).type
            row[name] = draw(COUNT if kind == pa.int64() else MOMENT if pa.types.is_timestamp(kind) else TEXT) or None
        row |= {"Id": number, "Tags": "".join(f"<{tag}>" for tag in draw(TAGS)) or None}
        row |= {"AnswerCount": draw(st.integers(0, 3))}
        row |= {"OwnerDisplayName": None if row["OwnerUserId"] is not None else row["OwnerDisplayName"]}
        rows.append(row)
    return pa.Table.from_pylist(sorted(rows, key=lambda row: row["Id"]), QUESTION_SCHEMA)


@given(
    table=tables(),
    batch_rows=st.integers(1, 4),
    answers=st.booleans(),
    older_tags=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-16-le", "utf-16-be"]),
)
@settings(deadline=None, max_examples=80)
def test_what_stack_exchange_writes_comes_back_the_same(
    tmp_path_factory, table, batch_rows, answers, older_tags, encoding
):
    path = tmp_path_factory.mktemp("dump") / "Posts.xml"
    write_dump(path, [table], answers=answers, older_tags=older_tags, encoding=encoding)
    again, harvest = read(path, batch_rows=batch_rows)
    assert again.combine_chunks().equals(table.combine_chunks())
    assert bool(harvest.left_out["answers"]) <= answers
    assert not harvest.repaired


def test_a_simulated_site_comes_back(tmp_path):
    site = pa.concat_tables(simulate(1_000, seed=1))
    write_dump(tmp_path / "Posts.xml", simulate(1_000, seed=1), answers=True)
    table, harvest = read(tmp_path / "Posts.xml", batch_rows=300)
    assert table.num_rows == 1_000
    assert 700 < harvest.left_out["answers"] < sum(site["AnswerCount"].to_pylist())
    for name in DUMP_COLUMNS:
        if name != "OwnerDisplayName":
            assert table[name].to_pylist() == site[name].to_pylist()
    deleted = zip(site["OwnerUserId"].to_pylist(), site["OwnerDisplayName"].to_pylist(), strict=True)
    assert table["OwnerDisplayName"].to_pylist() == [None if user else name for user, name in deleted]
    assert all(table[name].null_count == 1_000 for name in QUESTION_SCHEMA.names if name not in DUMP_COLUMNS)


def test_the_writer_writes_as_the_dump_does(tmp_path):
    question = {**QUESTION, "CreationDate": 1279566732510, "LastActivityDate": 1279566732000, "Site": "stats"}
    path = tmp_path / "Posts.xml"
    write_dump(path, [pa.Table.from_pylist([question], QUESTION_SCHEMA)], older_tags=True)
    written = ROW.replace(' LastEditorUserId="42"', "").replace("\n", "\r\n")
    head = HEAD.replace("\n", "\r\n")
    assert path.read_bytes().decode("utf-8") == f"\ufeff{head}{written}{END}"


def test_from_a_broken_dump_to_the_raw_layer(dump, tmp_path):
    path = dump((HEAD + ROW + ANSWER + ROW.replace("It's", "&#0;") + ROW)[:-20])
    with pytest.raises(BrokenSourceError) as error:
        write_raw(read_dump(path), tmp_path / "raw")
    assert read_raw(tmp_path / "raw")["Id"].to_pylist() == [5, 5]
    source = read_source(tmp_path / "raw")
    assert [warning for warning in source["warnings"] if str(error.value).startswith(warning)]
    assert (source["left_out"], source["repaired"]) == ({"answers": 1}, {"illegal_characters": 1})


# ---- Archives


@pytest.fixture
def archive(tmp_path):
    """Return a function that packs files into an archive."""

    def pack(name: str = "site.7z", password: str | None = None, method: int = py7zr.FILTER_BZIP2, **members: bytes):
        path = tmp_path / name
        with py7zr.SevenZipFile(
            path,
            "w",
            filters=[{"id": method, **({"preset": 0} if method == py7zr.FILTER_LZMA2 else {})}]
            if not password
            else None,
            password=password,
        ) as packed:
            for member, content in members.items():
                packed.writestr(content, member.replace("__", "/").replace("_xml", ".xml"))
        return path

    return pack


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> tuple[bytes, pa.Table]:
    path = tmp_path_factory.mktemp("site") / "Posts.xml"
    write_dump(path, simulate(2_000, seed=1), answers=True)
    return path.read_bytes(), read(path)[0]


@pytest.mark.parametrize("method", [py7zr.FILTER_BZIP2, py7zr.FILTER_LZMA2], ids=["bzip2", "LZMA2"])
def test_an_archive_is_read_as_it_is(archive, site, method):
    content, table = site
    members = {"Badges_xml": b"<badges />" * 9, "Posts_xml": content, "Users_xml": b"<users />"}
    path = archive("name-says-nothing", method=method, **members)
    packed, harvest = read(path)
    assert packed.equals(table)
    assert harvest.left_out["answers"] > 1_500
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_an_archive_is_left_before_its_end(archive, site):
    batches = iter(read_dump(archive(site__Posts_xml=site[0]), batch_rows=1))
    assert next(batches).slice(0, 50).equals(site[1].slice(0, 50))
    batches.close()


@pytest.mark.parametrize(
    ("members", "parts"),
    [
        ({"Users_xml": b"<users />"}, ["no Posts.xml", "it holds Users.xml"]),
        ({"a__Posts_xml": b"", "b__Posts_xml": b""}, ["2 Posts.xml", "a/Posts.xml, b/Posts.xml"]),
        ({"Posts_xml": WHOLE.encode(), "password": "secret"}, ["encrypted"]),
    ],
)
def test_what_is_wrong_with_an_archive_is_said_at_once(archive, members, parts):
    path = archive(**members)
    with pytest.raises(InputError) as error:
        read_dump(path)
    assert str(error.value).startswith(f"{path}: ")
    for part in parts:
        assert part in str(error.value)


def test_an_archive_that_is_cut(archive, site):
    path = archive(Posts_xml=site[0])
    content = path.read_bytes()
    for size in (6, 20, 40, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(InputError, match=r"a 7z archive that is cut or damaged .*; download it again"):
            read_dump(path)


@pytest.mark.parametrize("method", [py7zr.FILTER_BZIP2, py7zr.FILTER_LZMA2], ids=["bzip2", "LZMA2"])
@pytest.mark.parametrize("place", [0.01, 0.7])
def test_an_archive_that_is_damaged_inside(archive, method, place):
    noise = random.Random(0)
    rows = [ROW.replace("It's", noise.randbytes(5_000).hex()) for _ in range(300)]  # long even when packed
    path = archive(Posts_xml="".join([HEAD, *rows, END]).encode(), method=method)
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 0xFF
    path.write_bytes(content)
    if place < 0.1:
        with pytest.raises(InputError, match=r"the archive is damaged: .*; download it again"):
            read(path)
        return
    table, _, message = read_broken(path)
    assert "of the unpacked Posts.xml: the archive is damaged: " in message
    assert 50 < table.num_rows < 300
    offset = int(re.search("at byte ([0-9,]+)", message)[1].replace(",", ""))
    assert offset == len("".join([HEAD, *rows[: table.num_rows]]).encode()) + 2


def test_an_archive_with_something_else_inside(archive):
    harvest = read_dump(archive(Posts_xml=b"<users></users>"))
    with pytest.raises(InputError, match=r"its root element is <users>"):
        list(harvest)


def test_without_py7zr_it_is_said_what_to_install(archive, monkeypatch):
    path = archive(Posts_xml=WHOLE.encode())
    monkeypatch.setitem(sys.modules, "py7zr", None)
    with pytest.raises(InputError, match=r"`pip install py7zr`.*or unpack it"):
        read_dump(path)


# ---- Whatever a file holds


SEED = (HEAD + ROW + ANSWER + "<!-- note -->" + ROW.replace('"5"', '"8"') + WIKI + ANSWER + ROW + END).encode()
SNIPPETS = (
    *(
        b"<",
        b">",
        b"/>",
        b'"',
        b"'",
        b"&",
        b"&#0;",
        b"&a;",
        b"<row ",
        b"<row />",
        b"</posts>",
        b"<posts>",
        b"\0",
        b"\xff",
    ),
    *(
        b"<!--",
        b"-->",
        b"<![CDATA[",
        b"]]>",
        b"<?",
        b"?>",
        b' Id="7"',
        b' PostTypeId="2"',
        b"<!DOCTYPE a>",
        b"\xed\xa0\x80",
    ),
    *(ANSWER.encode(), ROW.encode(), b"<!--" + ROW.encode() + b"-->"),
)
CHANGES = st.lists(
    st.tuples(st.integers(0, len(SEED) - 1), st.integers(0, 40), st.sampled_from(SNIPPETS) | st.binary(max_size=3)),
    min_size=1,
    max_size=3,
)


@given(
    changes=CHANGES,
    block_bytes=st.sampled_from([7, 300, 2**18]),
    encoding=st.sampled_from(["utf-8", "utf-8", "utf-16-le", "utf-16-be"]),
)
@settings(deadline=None, max_examples=600)
@example(changes=[(972, 4, b">")], block_bytes=300, encoding="utf-8")  # the wiki's row lacks its `<`
def test_no_row_is_ever_lost_without_a_word(tmp_path_factory, changes, block_bytes, encoding):
    content = SEED
    for position, deleted, inserted in changes:
        content = content[:position] + inserted + content[position + deleted :]
    path = tmp_path_factory.getbasetemp() / "hostile.xml"
    if encoding == "utf-8":
        path.write_bytes(content)
    else:  # with what cannot be decoded as half a surrogate pair
        path.write_bytes(b"\xff\xfe" if encoding == "utf-16-le" else b"\xfe\xff")
        with path.open("ab") as file:
            file.write(content.decode("utf-8", "surrogateescape").encode(encoding, "surrogatepass"))
    try:
        rows = [row for row in ElementTree.fromstring(content) if row.tag == "row"]
    except (ElementTree.ParseError, ValueError, LookupError):
        rows = None
    try:
        harvest = read_dump(path, batch_rows=1, block_bytes=block_bytes)
        table = pa.concat_tables([QUESTION_SCHEMA.empty_table(), *harvest])
    except InputError:
        return
    without_notes = re.sub(rb"<!--.*?-->|<\?.*?\?>", b"", content, flags=re.DOTALL)
    assert table.num_rows + harvest.left_out.total() == len(re.findall(rb"<row[\s/>]", without_notes))
    if rows is not None:
        assert table.num_rows + harvest.left_out.total() == len(rows)
        assert not harvest.repaired
        assert not Counter(table["Body"].to_pylist()) - Counter(row.get("Body") or None for row in rows)


@pytest.mark.parametrize("dump_of", ["ai.stackexchange.com_2017-03", "datascience.meta.stackexchange.com_2024"])
def test_a_hole_of_zero_bytes_loses_no_row_without_a_word(stackexchange_data, tmp_path, dump_of):
    """As a crash or a download that was taken up at the wrong place leaves it."""
    content = (stackexchange_data / "dumps" / dump_of / "Posts.xml").read_bytes()
    draw = random.Random(1)
    path = tmp_path / "Posts.xml"
    rows = len(re.findall(rb"<row ", content))
    whole = {row["Id"]: row for row in pa.concat_tables(read_dump(_written(path, content))).to_pylist()}
    broken = 0
    for size in [16, 64, 512, 4096] * 15:
        start = draw.randrange(len(content) - size)
        harvest = read_dump(_written(path, content[:start] + bytes(size) + content[start + size :]))
        kept = []
        try:
            for table in harvest:
                kept += table.to_pylist()
        except BrokenSourceError:
            broken += 1
        else:
            assert len(kept) + harvest.left_out.total() == rows
        assert all(row == whole[row["Id"]] for row in kept)
    assert broken > 15


def _written(path, content):
    path.write_bytes(content)
    return path
