"""The collector as it is, with one addition: every frame that a machine sends is also written to a file.

Run as `python -m tests.canary.tapped serve …`; CANARY_TAP names the file. This is where TLS ends.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc

from caseprobe_collector.cli import main

LENGTH_BYTES = 4


def tap(path: Path) -> None:
    """From here on frames of machines are written to this file, each with its length before it."""
    made = grpc.stream_stream_rpc_method_handler

    def handler(behave: Any, request_deserializer: Callable[[bytes], Any], response_serializer: Any) -> Any:
        def read(data: bytes) -> Any:
            with path.open("ab") as file:
                file.write(len(data).to_bytes(LENGTH_BYTES, "big") + data)
            return request_deserializer(data)

        return made(behave, request_deserializer=read, response_serializer=response_serializer)

    grpc.stream_stream_rpc_method_handler = handler  # type: ignore[assignment]


if __name__ == "__main__":
    tap(Path(os.environ["CANARY_TAP"]))
    sys.exit(main())
