"""What lies where in a collector's folder, and the names that objects may have."""

from __future__ import annotations

import re

DATABASE = "collector.sqlite3"
OBJECTS = "objects"
AUTHORITY = "authority"
LOCK = "lock"
RESERVE = "reserve"
UNFINISHED = "unfinished"
NOTE = "note"
# Parts of ids and fixed words; no part begins with a dot, so none climbs out and none meets a temporary file.
OBJECT_NAME = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,99}(/[a-z0-9_][a-z0-9_.-]{0,99}){0,4}")
