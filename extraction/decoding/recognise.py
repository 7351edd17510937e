"""What a file seems to be, from its first bytes; for messages, not for decisions about safety."""

from pathlib import Path


def container(path: Path) -> tuple[str, bool]:
    """The name of the container (or of what stands in its place), and whether it is a supported one.

    Args:
        path: a regular file.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    text = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return _mp4(path)
    for start, name in ((b"\x1a\x45\xdf\xa3", "Matroska or WebM"), (b"FLV", "FLV")):
        if head.startswith(start):
            return name, True
    if head.startswith(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"):
        return "Windows Media (wmv, asf) is not supported; convert it to mp4", False
    if head[:4] in (b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3"):
        return "MPEG-1 or MPEG-2 (mpg) is not supported; convert it to mp4", False
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "AVI", True
    if text.startswith(b"ffconcat"):
        return "an ffconcat playlist, not a video", False
    if text.startswith(b"#EXTM3U"):
        return "an HLS playlist, not a video", False
    if b"<MPD" in head:
        return "a DASH manifest, not a video", False
    if (head[:1] == b"G" and head[188:189] == b"G") or (head[4:5] == b"G" and head[196:197] == b"G"):
        return "MPEG-TS is not supported; remux it to mp4", False
    return "not a media file in a supported container (mp4, mov, Matroska, WebM, AVI, FLV)", False


def _mp4(path: Path) -> tuple[str, bool]:
    """Look for the index (moov) among the boxes of the file."""
    with path.open("rb") as file:
        end, place = path.stat().st_size, 0
        while place + 8 <= end:
            file.seek(place)
            head = file.read(16)
            size, name = int.from_bytes(head[:4]), head[4:8]
            if name in (b"moov", b"moof"):
                return "mp4", True
            size = int.from_bytes(head[8:16]) if size == 1 else size
            if size < 8:
                break
            place += size
    return "an mp4 without its index (truncated)", False
