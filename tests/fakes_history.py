"""What an agent recorded of a server before its snapshot: a calm day, a busy hour, a gap while it was switched off."""

from __future__ import annotations

import math

from caseprobe.v1 import section_history_pb2 as pb

DAY_STEPS, HOUR_STEPS = 288, 360
STEP_SECONDS, SAMPLE_SECONDS = 300, 10
# Each figure of the machine, with what it is about and how much it moves.
FIGURES = (
    ("cpu.busy_ratio", "", 0.35, 0.3),
    ("cpu.iowait_ratio", "", 0.1, 0.1),
    ("cpu.steal_ratio", "", 0.0, 0.0),
    ("cpu.load1", "", 3.0, 2.5),
    ("pressure.io_full_ratio", "", 0.12, 0.12),
    ("memory.available_bytes", "", 9e9, 4e9),
    ("swap.used_bytes", "", 0.0, 0.0),
    ("disk.busy_ratio", "sda", 0.4, 0.4),
    ("disk.written_bytes_per_second", "sda", 4e6, 4e6),
    ("net.received_bytes_per_second", "eth0", 9e6, 9e6),
    ("net.errors_per_second", "eth0", 0.0, 0.0),
    ("sensor.temperature_celsius", "coretemp Package id 0", 55.0, 12.0),
    ("kernel.errors", "", 1.0, 1.0),
)


def recorded(until: int) -> pb.HistoryFacts:
    """A day in steps of five minutes and its last hour sample by sample, up to a moment in seconds since 1970."""
    facts = pb.HistoryFacts(samples_total=8_640, sample_seconds=SAMPLE_SECONDS, boots_total=2, damaged_total=1)
    facts.first_at.seconds, facts.last_at.seconds = until - DAY_STEPS * STEP_SECONDS, until
    for name, subject, middle, reach in FIGURES:
        for steps, seconds in ((DAY_STEPS, STEP_SECONDS), (HOUR_STEPS, SAMPLE_SECONDS)):
            series = facts.series.add(name=name, object=subject, step_seconds=seconds)
            series.start_at.seconds = until - steps * seconds
            means = [middle + reach * math.sin(step / 23) * math.cos(step / 5) * 0.9 for step in range(steps)]
            gap = [40 <= step < 60 and seconds == STEP_SECONDS for step in range(steps)]
            series.avg.extend([math.nan if off else mean for mean, off in zip(means, gap, strict=True)])
            if reach and seconds == STEP_SECONDS:
                series.min.extend(
                    [math.nan if off else max(mean - reach * 0.2, 0) for mean, off in zip(means, gap, strict=True)]
                )
                series.max.extend(
                    [math.nan if off else mean + reach * 0.4 for mean, off in zip(means, gap, strict=True)]
                )
    return facts
