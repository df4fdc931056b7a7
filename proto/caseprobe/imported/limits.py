"""What is taken of an archive that anybody may have made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ImportLimits:
    """packed_bytes to files_kept end the reading, with what was read kept; ratio and header_bytes refuse the archive.

    A default sosreport has some 4,000 to 20,000 members, of which a tenth tells something that is judged.
    """

    packed_bytes: int = 1 << 30
    unpacked_bytes: int = 1 << 30
    members: int = 40_000
    # Unpacked against packed, from so many bytes on: text packs to a tenth, kernel tables to a fiftieth.
    ratio: float = 200.0
    ratio_from_bytes: int = 32 << 20
    # Names and attributes that do not fit into a tar header stand in one of their own.
    header_bytes: int = 64 << 10
    # What is kept: of one file, of all; of a log the newest part.
    file_bytes: int = 4 << 20
    log_bytes: int = 1 << 20
    kept_bytes: int = 12 << 20
    files_kept: int = 20_000
    # xz takes its dictionary whole: 33 MiB is what `xz -8` needs.
    xz_memory_bytes: int = 40 << 20
