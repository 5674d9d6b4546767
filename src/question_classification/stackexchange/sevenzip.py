"""One file of a 7z archive as a stream: nothing is unpacked to disk, and little is held in memory.

It needs py7zr, which is an optional dependency: the archives of small sites are as easily unpacked by hand.
"""

import os
from collections.abc import Generator
from pathlib import Path, PurePosixPath
from threading import Thread
from types import ModuleType
from typing import BinaryIO

from question_classification.stackexchange.errors import InputError

SEVEN_ZIP_MAGIC = b"7z\xbc\xaf\x27\x1c"


def find_member(path: Path, name: str) -> str:
    """Return the path, within an archive, of the only file called `name`.

    Raises:
        InputError: py7zr is not installed, the archive is cut, damaged or encrypted, or it does not have one such file.
    """
    py7zr = _py7zr(path)
    try:
        with py7zr.SevenZipFile(path) as archive:
            encrypted, names = archive.needs_password(), archive.getnames()
    except py7zr.PasswordRequired:
        encrypted, names = True, []
    except Exception as error:  # py7zr raises whatever it stumbles over
        raise InputError(
            f"{path}: a 7z archive that is cut or damaged ({_in_one_line(error)}); download it again"
        ) from None
    if encrypted:
        raise InputError(f"{path}: an encrypted 7z archive; unpack it and give the path of its {name}")
    found: list[str] = [member for member in names if PurePosixPath(member).name == name]
    if len(found) != 1:
        number = len(found) or "no"
        raise InputError(
            f"{path}: the archive has {number} {name} (it holds {', '.join(sorted(names)[:10]) or 'nothing'}); "
            f"give the archive with the posts of one site, or the path of its {name}"
        )
    return found[0]


def read_member(path: Path, member: str, block: int) -> Generator[bytes, None, None]:
    """Unpack a file of an archive in a thread of its own, a little ahead of whoever reads it.

    Args:
        path: the archive.
        member: path of the file within it.
        block: bytes at a time.

    Raises:
        OSError: the archive is damaged; whatever could be unpacked has been yielded.
        InputError: it has been unpacked to its end, but not to what was packed.
    """
    receiver, sender = os.pipe()  # its end is known to both sides, whichever of them stops first
    errors: list[Exception] = []

    def unpack() -> None:
        py7zr = _py7zr(path)
        with os.fdopen(sender, "wb", buffering=0) as pipe:
            try:
                with py7zr.SevenZipFile(path) as archive:
                    archive.extract(targets=[member], factory=_writer_factory(py7zr, pipe))
            except py7zr.exceptions.CrcError:
                reason = f"the checksum of its {member} is wrong, so that none of its rows can be trusted"
                errors.append(InputError(f"{path}: a damaged 7z archive: {reason}; download it again"))
            except Exception as error:  # py7zr raises whatever it stumbles over
                errors.append(OSError(f"the archive is damaged: {_in_one_line(error)}"))

    Thread(target=unpack, daemon=True).start()
    with os.fdopen(receiver, "rb", buffering=block) as pipe:
        while data := pipe.read(block):
            yield data
    if errors:
        raise errors[0]


def _writer_factory(py7zr: ModuleType, pipe: BinaryIO) -> object:
    class Writer(py7zr.io.Py7zIO):  # type: ignore[misc, name-defined]
        def write(self, data: bytes) -> int:
            rest = memoryview(data)
            while rest:
                rest = rest[pipe.write(rest) :]
            return len(data)

        def read(self, _size: int | None = None) -> bytes:
            return b""

        def seek(self, _offset: int, _whence: int = 0) -> int:
            return 0

        def flush(self) -> None:
            pass

        def size(self) -> int:
            return 0

    class Factory(py7zr.io.WriterFactory):  # type: ignore[misc, name-defined]
        def create(self, _filename: str) -> Writer:
            return Writer()

    return Factory()


def _py7zr(path: Path) -> ModuleType:
    try:
        import py7zr
        import py7zr.io
    except ImportError:
        raise InputError(
            f"{path}: a 7z archive; `pip install py7zr` to read it as it is, or unpack it "
            "and give the path of its Posts.xml"
        ) from None
    module: ModuleType = py7zr
    return module


def _in_one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__} {error}".split())
