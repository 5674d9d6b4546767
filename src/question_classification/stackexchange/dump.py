"""Questions from a data dump of Stack Exchange: its `Posts.xml`, as it is or in the `.7z` archive of the site.

The file has one element `<row … />` per post. It is read in blocks that end where a row begins, which is easy to see:
`<` never stands in an attribute. What is clearly an answer is counted and cut out; the rest of a block is parsed
strictly and at once. Only where that fails is it gone through row by row, either to replace characters that XML
forbids, which several dumps have, or to find where the file breaks off. A parser that recovers by itself would lose the
rest of a row without a word.
"""

import codecs
import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from lxml import etree

from question_classification.stackexchange.columns import type_questions
from question_classification.stackexchange.errors import BrokenSourceError, InputError
from question_classification.stackexchange.harvest import Harvest
from question_classification.stackexchange.sevenzip import SEVEN_ZIP_MAGIC, find_member, read_member

DUMP_COLUMNS = (
    "Id",
    "Title",
    "Body",
    "Tags",
    "CreationDate",
    "Score",
    "ViewCount",
    "AnswerCount",
    "CommentCount",
    "FavoriteCount",
    "AcceptedAnswerId",
    "OwnerUserId",
    "OwnerDisplayName",
    "LastEditDate",
    "LastActivityDate",
    "ClosedDate",
    "ContentLicense",
)
"""The columns of `QUESTION_SCHEMA` that a dump carries."""

_MEMBER = "Posts.xml"
_HEAD = 2**16  # bytes that surely hold all that comes before the rows, such as a licence
_BATCH_CHARACTERS = 4 * 2**20  # of bodies
_FEW_BYTES, _FEW_BYTES_A_QUESTION = 10, 0.01  # that are not UTF-8, in a file that otherwise is
_ROW_LIMIT = 8 * 2**20  # bytes; a post has at most some 100,000 characters
_QUESTION, _ANSWER = "1", "2"  # PostTypeId

# Rows of the dumps of 2025 that no one has posted have Ids from 1,000,000,000 on.
_FABRICATED_ID = re.compile(r"\+?0*[1-9][0-9]{9,}(\.0+)?")

_SIGNS = {"utf-16-le": (b"\xff\xfe", b"<\0"), "utf-16-be": (b"\xfe\xff", b"\0<")}
_BETWEEN = rb"(?:\s++|<!--.*?-->|<\?.*?\?>)*+"
_PROLOG = re.compile(rb"(?:\xef\xbb\xbf)?(?:<\?xml\s[^>]*\?>)?" + _BETWEEN, re.DOTALL)
_ENCODING = re.compile(rb"""^\S*<\?xml\s[^>]*?encoding\s*=\s*["']([^"']*)""")
_ROOT = re.compile(rb"<([A-Za-z_][^\s/<>]*)[^<>]*>")
_BETWEEN_ROWS = re.compile(_BETWEEN, re.DOTALL)
_ROW = re.compile(rb"""<row(?:\s++[^\s=<>"'/]++\s*+=\s*+(?:"[^"<]*+"|'[^'<]*+'))*+\s*+(?:/>|>\s*+</row\s*+>)""")
_OTHER_POST = re.compile(rb'row Id="[0-9]{1,9}" PostTypeId="([2-9])" ')
_END = re.compile(rb"</posts\s*>" + _BETWEEN, re.DOTALL)

_PARSER = etree.XMLParser(
    resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True, collect_ids=False
)
_find_strays = etree.XPath("boolean(/posts/*[not(self::row)] | /posts/text()[normalize-space()])")

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_UTF_8 = re.compile("[\udc80-\udcff]")  # as `surrogateescape` decodes such bytes
_ENCODED_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_HOLE = b"\0" * 4  # a hole in the file, not characters: whole rows may be missing there
_REFERENCE = re.compile(r"&#(?:x([0-9A-Fa-f]+)|([0-9]+));")


def read_dump(path: str | Path, *, batch_rows: int = 2_048, block_bytes: int = 2**18) -> Harvest:
    """Read the questions in a `Posts.xml` of the data dump, in UTF-8 or UTF-16, or in the 7z archive that has it.

    Rows that are no questions are counted in `left_out`: `answers` and `other_posts` by their `PostTypeId`, and
    `fabricated` by their `Id`. Where the type is absent or no number, a row with a parent, or with a body but neither
    title nor tags, is an answer; any other stays in. Characters that XML forbids and bytes that are not
    UTF-8 become U+FFFD, and are counted in `repaired` as `illegal_characters` and `undecodable_bytes`.

    The start of the file, or the list of what is in the archive, is checked at once; the rest while the batches are
    read, in bounded memory.

    Args:
        path: the file, recognised by its content.
        batch_rows: questions per batch, or a few more.
        block_bytes: how much of the file is read at a time; much more would leave the cache of the processor.

    Returns:
        A harvest without a site, for which a dump has no column.

    Raises:
        InputError: there is no such file, or it is no `Posts.xml`, or py7zr is needed and not installed.
            While the batches are read: the text is not UTF-8, or the archive is not what was packed.
        BrokenSourceError: while the batches are read, and after all rows before the break: the file is cut or damaged.
    """
    path = Path(path)
    dump = _Dump(path, block_bytes)
    if not dump.packed:
        with closing(dump.read()) as texts:
            _read_head(dump, texts)
    harvest = Harvest(source="dump", batches=())
    harvest.batches = _batches(dump, harvest, batch_rows)
    return harvest


def _batches(dump: "_Dump", harvest: Harvest, batch_rows: int) -> Iterator[pa.Table]:
    columns: dict[str, list[str | None]] = {name: [] for name in DUMP_COLUMNS}
    characters = questions_read = 0
    broken = None
    try:
        for questions in _questions(dump, harvest):
            for name, column in columns.items():
                column += [row.get(name) for row in questions]
            characters += sum(len(row.get("Body", "")) for row in questions)
            questions_read += len(questions)
            if len(columns["Id"]) >= batch_rows or characters >= _BATCH_CHARACTERS:
                yield type_questions(columns)
                columns, characters = {name: [] for name in DUMP_COLUMNS}, 0
    except BrokenSourceError as error:
        broken = error
    if columns["Id"]:
        yield type_questions(columns)
    _report_repairs(dump.path, harvest, questions_read)
    if broken:
        raise broken


def _report_repairs(path: Path, harvest: Harvest, questions: int) -> None:
    foreign, illegal = harvest.repaired["undecodable_bytes"], harvest.repaired["illegal_characters"]
    if foreign > max(_FEW_BYTES, _FEW_BYTES_A_QUESTION * questions):
        raise InputError(
            f"{path}: not UTF-8: {foreign:,} bytes in {questions:,} questions are none; convert it from the "
            "encoding that it has, or take the dump as it came"
        )
    if foreign:
        harvest.warnings.append(f"{foreign:,} bytes were not UTF-8 and have been replaced by U+FFFD.")
    if illegal:
        harvest.warnings.append(f"{illegal:,} characters that XML does not allow have been replaced by U+FFFD.")


def _kind(row: Any) -> str | None:
    """Return what a row is called in `left_out`; None for a question."""
    kind = row.get("PostTypeId", "")
    number = row.get("Id", "")
    if len(number) > 9 and _FABRICATED_ID.fullmatch(number):
        return "fabricated"
    if kind == _QUESTION:
        return None
    if kind == _ANSWER:
        return "answers"
    if kind.isdecimal():
        return "other_posts"
    return "answers" if _looks_like_an_answer(row) else None


def _looks_like_an_answer(row: Any) -> bool:
    return bool(row.get("ParentId") or (row.get("Body") and not row.get("Title") and not row.get("Tags")))


# ---- The file, as UTF-8


class _Dump:
    """The text of a file, packed or not, in whichever encoding.

    Attributes:
        path: the file.
        packed: whether it is an archive.
        encoding: of the text, once reading has begun.
        damage: what kept the text from being read to its end.
    """

    def __init__(self, path: Path, block_bytes: int):
        self.path = path
        self.packed = _is_packed(path)
        self.encoding = "utf-8"
        self.damage: str | None = None
        self._block_bytes = block_bytes
        self._member = find_member(path, _MEMBER) if self.packed else ""

    def read(self) -> Generator[bytes, None, None]:
        """Yield blocks as UTF-8, with whatever is illegal in the text, such as half a surrogate pair."""
        with closing(self._blocks()) as blocks:
            try:
                first = b"".join(islice(blocks, 2))  # two bytes at least
                signs = (name for name, signs in _SIGNS.items() if first.startswith(signs))
                self.encoding = next(signs, "utf-8")
                decoder = codecs.getincrementaldecoder(self.encoding)("surrogatepass")
                for block in chain([first], blocks):
                    if self.encoding != "utf-8":
                        block = decoder.decode(block).encode("utf-8", "surrogatepass")
                    if block:
                        yield block
            except OSError as error:
                self.damage = str(error)

    def _blocks(self) -> Generator[bytes, None, None]:
        if self.packed:
            return read_member(self.path, self._member, self._block_bytes)
        return _read_file(self.path, self._block_bytes)

    def size(self, text: bytes) -> int:
        """Return how many bytes a text, here in UTF-8, has in the file."""
        if self.encoding == "utf-8":
            return len(text)
        return len(text.decode("utf-8", "surrogatepass").encode(self.encoding, "surrogatepass"))

    def broken(self, offset: int, reason: str) -> BrokenSourceError:
        """Return the error that says where the text breaks off, `offset` being in bytes of the file, and why."""
        where = f"byte {offset:,} of the unpacked {_MEMBER}" if self.packed else f"byte {offset:,}"
        return BrokenSourceError(
            f"{self.path}: breaks off at {where}: {self.damage or reason}; what comes before is whole, for the rest "
            "download it again"
        )


def _is_packed(path: Path) -> bool:
    if path.is_dir():
        inside = path / _MEMBER
        advice = f"give {inside}" if inside.is_file() else f"give the path of a {_MEMBER}, or of the .7z of a site"
        raise InputError(f"{path}: a folder; {advice}")
    if not path.exists():
        raise InputError(f"{path}: no such file; check the path")
    if not path.is_file():
        raise InputError(f"{path}: no regular file, and it must be read twice; give the path of a {_MEMBER}")
    try:
        with path.open("rb") as file:
            return file.read(len(SEVEN_ZIP_MAGIC)) == SEVEN_ZIP_MAGIC
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None


def _read_file(path: Path, block_bytes: int) -> Generator[bytes, None, None]:
    with path.open("rb", buffering=0) as file:
        while block := file.read(block_bytes):
            yield block


# ---- The start of the file


def _read_head(dump: _Dump, texts: Iterator[bytes]) -> tuple[bytes, int]:
    """Check that what begins here are rows of posts; return the text that was read, and where in it they begin."""
    text, prolog, root = b"", b"", None
    while not root and len(text) < _HEAD and (block := next(texts, b"")):
        text += block
        start = _PROLOG.match(text)
        assert start  # it may be empty
        prolog, root = start[0], _ROOT.match(text, start.end())
    declared = _ENCODING.search(prolog)
    name = declared[1].decode("ascii", "replace")[:40] if declared else ""
    if declared and not re.fullmatch("utf-?(8|16)([-_]?[lb]e)?|(us-?)?ascii", name.lower()):
        raise InputError(f"{dump.path}: declared to be in {name}; save it as UTF-8, and declare that in its first line")
    if not root or root[1] != b"posts" or root[0].endswith(b"/>"):
        damage = dump.damage and f"{dump.damage}; download it again"
        raise InputError(f"{dump.path}: {damage or _what_else(text, text[len(prolog) :], root)}")
    return text, root.end()


def _what_else(text: bytes, rest: bytes, root: re.Match[bytes] | None) -> str:
    """Say what a file is that does not begin as it should."""
    if not text.strip(b"\xef\xbb\xbf \t\r\n"):
        return "an empty file; download it again"
    if text.startswith((b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")):
        return f"a compressed file of another kind than 7z; unpack it and give the path of its {_MEMBER}"
    if rest.lower().startswith((b"<!doctype html", b"<html")):
        return f"an HTML page; {_MEMBER} is needed, so download it again"
    if rest.startswith(b"<!DOCTYPE"):
        return "it declares a document type, which no data dump does, and which is not read; take the dump as it came"
    if root and root[1] == b"posts":
        return "it has no posts; take the dump of another site"
    if root:
        return f"its root element is <{root[1].decode('utf-8', 'replace')[:40]}>; {_MEMBER} is needed, with <posts>"
    return f"not a file of the data dump: <posts> is not where it should be; {_MEMBER} is needed"


# ---- The rows


def _questions(dump: _Dump, harvest: Harvest) -> Generator[list[Any], None, None]:
    """Yield the questions of a block each, as elements; raise `BrokenSourceError` where no more rows are whole."""
    with closing(dump.read()) as texts:
        pending, start = _read_head(dump, texts)
        offset, pending = dump.size(pending[:start]), pending[start:]
        last = False
        while not last:
            text = next(texts, b"")
            pending += text
            last = not text
            end = max(pending.rfind(b"<row"), 0)
            if last or (not end and len(pending) > _ROW_LIMIT):
                end = len(pending)
            questions = _parse_at_once(pending[:end], last, harvest.left_out)
            wrong = None
            if questions is None:
                questions, end, wrong = _parse_row_by_row(pending[:end], last, harvest)
            yield questions
            offset += dump.size(pending[:end])
            pending = pending[end:]
            if len(pending) > _ROW_LIMIT:
                wrong = f"what begins there does not end within {_ROW_LIMIT:,} bytes"
            if wrong:
                raise dump.broken(offset, wrong)
        if dump.damage:
            raise dump.broken(offset, dump.damage)


def _parse_at_once(block: bytes, last: bool, left_out: Counter[str]) -> list[Any] | None:
    """Return the questions of a block, or None where anything in it is not as it should be."""
    counts: Counter[str] = Counter()
    elements = block.split(b"<")
    rest = []
    for element in elements:
        if kind := _other_kind(element):
            counts[kind] += 1
        else:
            rest.append(element)
    posts = _parse(b"<posts>" + b"<".join(rest) + (b"" if last else b"</posts>"))
    # Every `<` begins a row: there is no comment, say, with rows in it.
    if posts is None or len(elements) - 1 != counts.total() + len(posts) + last or _find_strays(posts):
        return None
    left_out += counts
    return _leave_out_other_posts(posts, left_out)


def _other_kind(element: bytes) -> str | None:
    """Return what a row (without its `<`) is called in `left_out` if it need not be parsed to know that.

    Its first `>` ends it, and its quotes are even: one that looks damaged is parsed, to be found out.
    """
    post = _OTHER_POST.match(element)
    if not post or b"\0" in element or element[element.find(b">") - 1 :].rstrip() != b"/>" or element.count(b'"') % 2:
        return None
    return "answers" if post[1] == b"2" else "other_posts"


def _leave_out_other_posts(posts: Iterable[Any], left_out: Counter[str]) -> list[Any]:
    questions = []
    for row in posts:
        kind = _kind(row)
        if kind:
            left_out[kind] += 1
        else:
            questions.append(row)
    return questions


def _parse(xml: bytes) -> Any:
    try:
        return etree.fromstring(xml, _PARSER)
    except etree.XMLSyntaxError:
        return None


def _parse_row_by_row(block: bytes, last: bool, harvest: Harvest) -> tuple[list[Any], int, str | None]:
    """Parse a block that cannot be parsed at once, and repair what can be repaired.

    Args:
        block: what lies between two beginnings of a row, or before the end of the file.
        last: whether the file ends there.
        harvest: where repairs and rows that are no questions are counted.

    Returns:
        The questions, the position after the last whole row, and what is wrong there; None where that is only not yet
        complete.
    """
    questions: list[Any] = []
    position = 0
    while True:
        between = _BETWEEN_ROWS.match(block, position)
        assert between  # it may be empty
        position = between.end()
        following = block.find(b"<", position + 1)
        following = following if following >= 0 else len(block)
        if block.startswith(b"<", position) and (kind := _other_kind(block[position + 1 : following])):
            harvest.left_out[kind] += 1
            position = following
            continue
        match = _ROW.match(block, position)
        row, repairs = _parse_row(match[0]) if match else (None, Counter[str]())
        if not match or row is None:
            return questions, position, _what_is_wrong(block, position, last)
        position = match.end()
        if kept := _leave_out_other_posts([row], harvest.left_out):
            questions += kept
            harvest.repaired.update(repairs)


def _parse_row(xml: bytes) -> tuple[Any, Counter[str]]:
    """Return a row, or None if it is not even well-formed when repaired, and the repairs by kind."""
    row, repairs = _parse(xml), Counter[str]()
    if row is None and _HOLE not in xml:
        repaired, repairs = _replace_illegal_characters(xml)
        row = _parse(repaired)
    return (row if row is not None and row.tag == "row" else None), repairs


def _what_is_wrong(block: bytes, position: int, last: bool) -> str | None:
    rest = block[position : position + 100]
    if not last and (not rest or rest.startswith((b"<!--", b"<?"))):
        return None
    end = _END.match(block, position)
    if end:
        return None if last and end.end() == len(block) else "something stands after the end of the posts"
    if not rest:
        return "the file ends without </posts>"
    if last and block.find(b"<", position + 1) < 0:
        return "the file ends in the middle of a row"
    return "what begins there is no well-formed row"


def _replace_illegal_characters(xml: bytes) -> tuple[bytes, Counter[str]]:
    """Replace what is not XML by U+FFFD: characters, references to them, and bytes that are not UTF-8."""
    text = _ENCODED_SURROGATE.sub(b"\0", xml).decode("utf-8", "surrogateescape")
    text, foreign = _NOT_UTF_8.subn("\ufffd", text)
    text = _REFERENCE.sub(_keep_if_legal, text)
    text, illegal = _NOT_XML.subn("\ufffd", text)
    return text.encode(), +Counter({"illegal_characters": illegal, "undecodable_bytes": foreign})


def _keep_if_legal(reference: re.Match[str]) -> str:
    hexadecimal, decimal = reference.groups()
    digits = (hexadecimal or decimal).lstrip("0") or "0"
    number = int(digits, 16 if hexadecimal else 10) if len(digits) <= 7 else -1
    legal = 0 <= number <= 0x10FFFF and not _NOT_XML.match(chr(number))
    return reference[0] if legal else "\0"
