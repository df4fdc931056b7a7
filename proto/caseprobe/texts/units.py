"""Numbers with units as people read them; the only place where a ratio becomes percent and bytes become GiB."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

# Kept together by a no-break space: a unit alone on the next line misleads.
NBSP = "\u00a0"


@dataclass(frozen=True)
class Notation:
    """How one language writes numbers and units."""

    decimal: str
    thousands: str
    percent: str
    bytes: tuple[str, ...]
    rate: str
    bits: tuple[str, str, str, str]
    small_times: tuple[str, str, str]
    times: tuple[str, str, str, str]


_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_BITS = ("Gbit/s", "Mbit/s", "kbit/s", "bit/s")
NOTATIONS = {
    "en": Notation(".", ",", "%", _BINARY, "/s", _BITS, ("µs", "ms", "s"), ("s", "min", "h", "d")),
    "zh_Hans": Notation(".", ",", "%", _BINARY, "/秒", _BITS, ("微秒", "毫秒", "秒"), ("秒", "分钟", "小时", "天")),
    "ru": Notation(
        ",",
        NBSP,
        f"{NBSP}%",
        ("Б", "КиБ", "МиБ", "ГиБ", "ТиБ", "ПиБ", "ЭиБ"),
        "/с",
        ("Гбит/с", "Мбит/с", "кбит/с", "бит/с"),
        ("мкс", "мс", "с"),
        ("с", "мин", "ч", "д"),
    ),
}


def _notation(language: str) -> Notation:
    return NOTATIONS.get(language, NOTATIONS["en"])


def format_number(value: float, language: str = "en", digits: int = 0) -> str:
    """A number with this many digits after the decimal sign.

    >>> format_number(12345.678, digits=1)
    '12,345.7'
    >>> format_number(12345.678, "ru", digits=1)
    '12\\xa0345,7'
    >>> format_number(float("nan"))
    '?'
    """
    if not math.isfinite(value):
        return "?"
    notation = _notation(language)
    whole, _, fraction = f"{value:,.{digits}f}".partition(".")
    return whole.replace(",", notation.thousands) + (notation.decimal + fraction if fraction else "")


def _significant(value: float, language: str) -> str:
    """Two or three digits that matter: 1.25 is 1.2, 12.5 is 12, 0.05 stays."""
    if value == 0 or abs(value) >= 9.95:
        return format_number(value, language)
    return format_number(value, language, 1 if abs(value) >= 0.095 else 2)


def format_bytes(value: float, language: str = "en") -> str:
    """A size in binary units.

    >>> format_bytes(3_435_973_837)
    '3.2\\xa0GiB'
    >>> format_bytes(512, "ru")
    '512\\xa0Б'
    """
    units = _notation(language).bytes
    step = 0
    while step < len(units) - 1 and abs(value) >= 1023.5:
        value, step = value / 1024, step + 1
    number = format_number(value, language) if step == 0 else _significant(value, language)
    return f"{number}{NBSP}{units[step]}"


def format_rate(value: float, language: str = "en") -> str:
    """Bytes in a second.

    >>> format_rate(2048)
    '2.0\\xa0KiB/s'
    """
    return format_bytes(value, language) + _notation(language).rate


def format_bits(value: float, language: str = "en") -> str:
    """A line speed in decimal units, as on the box that was bought.

    >>> format_bits(1e9)
    '1\\xa0Gbit/s'
    >>> format_bits(2.5e9)
    '2.5\\xa0Gbit/s'
    """
    units = _notation(language).bits
    for size, unit in zip((1e9, 1e6, 1e3), units[:3], strict=True):
        if value >= size:
            return f"{format_number(value / size, language, 0 if value % size == 0 else 1)}{NBSP}{unit}"
    return f"{format_number(value, language)}{NBSP}{units[3]}"


def format_ratio(value: float, language: str = "en") -> str:
    """A share as percent; a small one keeps its digits, so that it never reads as none.

    >>> format_ratio(0.042), format_ratio(1.0), format_ratio(0.00012)
    ('4.2%', '100%', '0.01%')
    >>> format_ratio(0.999)
    '99.9%'
    """
    percent = value * 100
    digits = 0 if percent in (0.0, 100.0) or 10 <= abs(percent) < 99 else 1
    if 0 < abs(percent) < 0.095:
        digits = 2
    return format_number(percent, language, digits) + _notation(language).percent


def format_seconds(value: float, language: str = "en") -> str:
    """A span of time: from microseconds to days, two units at most.

    >>> format_seconds(0.0042), format_seconds(12), format_seconds(3725), format_seconds(90061)
    ('4.2\\xa0ms', '12\\xa0s', '1\\xa0h 2\\xa0min', '1\\xa0d 1\\xa0h')
    """
    if not math.isfinite(value):
        return "?"
    sign, value = ("−" if value < 0 else ""), abs(value)
    return sign + (_short_time(value, language) if value < 60 else _long_time(round(value), language))


def _short_time(value: float, language: str) -> str:
    micro, milli, second = _notation(language).small_times
    size, unit = 1.0, second
    if 0 < value < 1:
        size, unit = (1e-3, milli) if value >= 1e-3 else (1e-6, micro)
    number = _significant(value / size, language)
    return f"{number.removesuffix(_notation(language).decimal + '0')}{NBSP}{unit}"


def _long_time(value: int, language: str) -> str:
    units = _notation(language).times
    sizes = (1, 60, 3600, 86400)
    big = max(index for index, size in enumerate(sizes) if value >= size)
    count, rest = divmod(value, sizes[big])
    parts = [f"{format_number(count, language)}{NBSP}{units[big]}"]
    if rest // sizes[big - 1]:
        parts.append(f"{rest // sizes[big - 1]}{NBSP}{units[big - 1]}")
    return " ".join(parts)


def format_celsius(value: float, language: str = "en") -> str:
    """A temperature.

    >>> format_celsius(71.4)
    '71\\xa0°C'
    """
    return f"{format_number(value, language)}{NBSP}°C"


def format_count(value: float, language: str = "en") -> str:
    """A number of things, or a measure without a unit of its own.

    >>> format_count(1234), format_count(0.25), format_count(3.0)
    ('1,234', '0.25', '3')
    >>> format_count(8.5), format_count(9.999)
    ('8.5', '10')
    """
    if math.isfinite(value) and value != int(value):
        return (
            format_number(value, language, 2 if abs(value) < 10 else 1).rstrip("0").rstrip(_notation(language).decimal)
        )
    return format_number(value, language)


UNIT = re.compile(r"_(bytes_total|bytes|seconds|ratio|celsius|bits_per_second|total|hertz)$")


def plain_name(name: str) -> str:
    """A field or parameter without the unit that its name ends in, in words.

    >>> plain_name("open_files_ratio")
    'open files'
    """
    return UNIT.sub("", name).replace("_", " ")


# The end of a parameter's name is its unit; the longer ending is looked for first.
FORMATS: tuple[tuple[str, Callable[[float, str], str]], ...] = (
    ("_bytes_per_second", format_rate),
    ("_bits_per_second", format_bits),
    ("_bytes", format_bytes),
    ("_ratio", format_ratio),
    ("_seconds", format_seconds),
    ("_celsius", format_celsius),
)


def format_value(name: str, value: float, language: str = "en") -> str:
    """A value by the unit that its name ends in.

    >>> format_value("used_ratio", 0.91), format_value("errors_total", 1200)
    ('91%', '1,200')
    """
    for ending, formatted in FORMATS:
        if name.endswith(ending):
            return formatted(value, language)
    return format_count(value, language)
