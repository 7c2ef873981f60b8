"""Bytes as text: by mark, UTF-8, UTF-16 without a mark, then the encodings of old; whole or as a stream."""

from __future__ import annotations

import codecs
import io
import re
from typing import BinaryIO, TextIO

from twin.errors import SourceError

_HEAD = 2**20
_LOOK = 4096
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
# Of what is no UTF-8: Latin letters have few high bytes, other scripts have little else.
_LATIN_SHARE = 0.45
_ENOUGH = 8
_OTHER_SCRIPTS = ["cp1251", "koi8_r", "cp932", "gb18030", "big5", "cp949", "cp1253", "cp1255", "cp1256"]
# Central European letters read as Western ones: signs where only letters can stand.
_CENTRAL = re.compile(rb"(?<=[A-Za-z\x80-\xff])[\xb9\xb3\xbf\x9f](?=[a-z\x80-\xff])")
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
# Hebrew lies where Cyrillic has its small letters, without the capitals and the last five.
_NOT_HEBREW = re.compile(rb"[\xc0-\xdf\xfb-\xff]")


def decode(data: bytes, where: object) -> str:
    """The whole as text; SourceError for binary data and for encodings that nothing names."""
    name, errors = _choose(data, where, whole=True)
    return _strict(data, name, errors, where)


def decode_page(data: bytes, where: object) -> str:
    """An HTML page as text: by mark and UTF-8 as `decode`, else by the charset that it declares."""
    declared = re.search(rb"<meta[^>]{0,200}?charset=[\"']?\s*([\w-]+)", data[:4096], re.IGNORECASE)
    if declared and not data.startswith(tuple(mark for mark, _ in _BOMS)):
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            try:
                return data.decode(declared[1].decode("ascii"))
            except (UnicodeDecodeError, LookupError):
                pass
    return decode(data, where)


def text_stream(file: BinaryIO, where: object) -> TextIO:
    """A long file as text with its line ends, the encoding told by its first megabyte; reading it may raise ValueError.

    `file` must be buffered with at least that much.
    """
    assert isinstance(file, io.BufferedReader)
    head = file.peek(_HEAD)
    whole = len(head) < _HEAD
    name, errors = _choose(head if whole else head.rstrip(bytes(range(0x80, 0x100))), where, whole)
    return io.TextIOWrapper(file, name, errors, newline="")


def unmarked_utf16(data: bytes) -> str:
    """The codec of bytes that may be UTF-16 without a mark, by the zeros at their beginning; "" for any others."""
    head = data[:_LOOK]
    if not head.count(0) * 4 >= len(head) > 1:
        return ""
    # Latin text in UTF-16 has every other byte zero; which half tells the byte order.
    return "utf-16-le" if head[1::2].count(0) >= head[0::2].count(0) else "utf-16-be"


def _choose(data: bytes, where: object, whole: bool) -> tuple[str, str]:
    for mark, name in _BOMS:
        if data.startswith(mark):
            return name, "strict"
    head = data[:_LOOK]
    if wide := unmarked_utf16(data):
        seen = head.decode(wide, "replace").encode("utf-8", "replace")
        if len(_CONTROLS.findall(seen)) * 100 > len(seen):
            raise _unreadable(where, "it holds binary data")
        return wide, "strict"
    if len(_CONTROLS.findall(data)) * 100 > len(data):
        raise _unreadable(where, "it holds binary data")
    text = data.decode("utf-8", "surrogateescape")
    stray = len(re.findall("[\udc80-\udcff]", text))
    high = sum(len(found) for found in re.findall(rb"[\x80-\xff]+", data))
    # A few stray bytes in a UTF-8 file came with a paste: they alone are read as Windows-1252.
    if not stray or stray * 10 <= high:
        return "utf-8", "strict" if whole and not stray else "twin-stray"
    return _old(data, high), "strict"


def _old(data: bytes, high: int) -> str:
    letters = max(1, len(re.findall(rb"[A-Za-z\x80-\xff]", data)))
    if high >= _ENOUGH and high / letters > _LATIN_SHARE:
        from charset_normalizer import from_bytes

        if not _NOT_HEBREW.search(data):
            return "cp1255"
        best = from_bytes(data[: 2**16], cp_isolation=_OTHER_SCRIPTS).best()
        if best is not None:
            return best.encoding
    return "cp1250" if len(_CENTRAL.findall(data)) > 1 else "cp1252"


def _strict(data: bytes, name: str, errors: str, where: object) -> str:
    try:
        return data.decode(name, errors)
    except (UnicodeDecodeError, ValueError) as error:
        raise _unreadable(where, f"it is not {name}: {getattr(error, 'reason', error)}") from None


def _unreadable(where: object, why: str) -> SourceError:
    return SourceError("a file's text can't be read", f"{where} ({why})", "Save it as UTF-8 text, or export it again.")


def _stray(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return bad.decode("cp1252", "replace"), error.end


codecs.register_error("twin-stray", _stray)
