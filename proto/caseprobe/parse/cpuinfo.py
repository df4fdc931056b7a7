"""/proc/cpuinfo: which processors these are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

# processor	: 0
# model name	: AMD EPYC 7763 64-Core Processor
# cpu MHz		: 2445.432
# physical id	: 0
# core id		: 0
MODEL_NAMES = ("model name", "Model", "Hardware", "cpu", "machine")


@dataclass(frozen=True)
class Processors:
    """Model, counts and the mean frequency; physical cores are 0 and hertz is None where the file does not tell."""

    model: str
    logical_total: int
    physical_total: int
    hertz: float | None


def parse_cpuinfo(text: str) -> Processors:
    """One block a processor; the names of ARM, POWER and s390 machines are looked up too.

    >>> parse_cpuinfo("processor\\t: 0\\nmodel name\\t: X 1\\ncpu MHz\\t: 1000.0\\n").model
    'X 1'
    """
    blocks = [dict(_pairs(block)) for block in text.split("\n\n")]
    known = {name: value for block in reversed(blocks) for name, value in block.items()}
    processors = [block for block in blocks if "processor" in block]
    cores = {(block.get("physical id", ""), block["core id"]) for block in processors if "core id" in block}
    frequencies = [float(mhz) for block in processors if _is_number(mhz := block.get("cpu MHz", ""))]
    return Processors(
        model=next((known[name] for name in MODEL_NAMES if known.get(name)), ""),
        logical_total=len(processors),
        physical_total=len(cores),
        hertz=sum(frequencies) / len(frequencies) * 1e6 if frequencies else None,
    )


def _pairs(block: str) -> Iterator[tuple[str, str]]:
    for line in block.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip(), value.strip()


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()
