"""/proc/net/dev: what each interface received and sent since it came up."""

from __future__ import annotations

from caseprobe.v1 import section_pb2

# Inter-|   Receive                                       |  Transmit
#  face |bytes packets errs drop fifo frame compressed mul.|bytes packets errs drop fifo colls carrier compressed
#   eth0: 1296498 5345 0 0 0 0 0 0 887633 4816 0 0 0 0 0 0
COLUMNS = (
    (0, "received_bytes_total"),
    (1, "received_packets_total"),
    (2, "receive_errors_total"),
    (3, "receive_drops_total"),
    (8, "sent_bytes_total"),
    (9, "sent_packets_total"),
    (10, "send_errors_total"),
    (11, "send_drops_total"),
)


def parse_net_dev(text: str) -> list[section_pb2.Interface]:
    """One message an interface with its name and counters, in the kernel's order.

    >>> parse_net_dev(" eth0: 10 2 0 1 0 0 0 0 20 3 0 0 0 0 0 0")[0].receive_drops_total
    1
    """
    found = []
    for line in text.splitlines():
        name, colon, rest = line.rpartition(":")
        numbers = rest.split()
        if not colon or len(numbers) < 12 or not all(number.isdecimal() for number in numbers):
            continue
        interface = section_pb2.Interface(name=name.strip())
        for column, field in COLUMNS:
            setattr(interface, field, int(numbers[column]))
        found.append(interface)
    return found
