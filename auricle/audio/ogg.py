"""The links of a chained OGG: several complete streams, one behind the other in one file."""

from __future__ import annotations

PAGE = b"OggS"
HEADER_BYTES = 27
VERSION = 0
FIRST_PAGE = 0x02  # header type flag: the first page of a logical stream


def links(data: bytes) -> list[memoryview]:
    """The parts of `data` that are streams of their own, in order; one part for a file that is not chained.

    FFmpeg reads on over a link's border with the first link's set-up, and loses whatever has another one. A link
    begins with the first page that opens a stream after pages that don't (RFC 3533, sections 4 and 6).
    """
    starts = [0]
    opening = True
    position = 0
    while position + HEADER_BYTES <= len(data):
        segments = data[position + 26]
        table = data[position + HEADER_BYTES : position + HEADER_BYTES + segments]
        end = position + HEADER_BYTES + segments + sum(table)
        is_page = data[position : position + 4] == PAGE and data[position + 4] == VERSION
        if is_page:
            first = bool(data[position + 5] & FIRST_PAGE)
            if first and not opening:
                starts.append(position)
            opening = first
        if not is_page or (end < len(data) and data[end : end + 4] != PAGE):  # damaged: look for the next page
            end = data.find(PAGE, position + 1)
            if end < 0:
                break
        position = end
    view = memoryview(data)
    return [view[start:end] for start, end in zip(starts, [*starts[1:], len(data)], strict=True)]
