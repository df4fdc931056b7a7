"""Two machines with one key: told apart by what a copied disk, or a copied memory, cannot share.

Every process of an agent draws an id and counts its streams. A machine that starts its agent anew shows a new id and
never the old one again; one whose line broke shows the same id and a higher number. So an id that comes back after
another took its place, or a number that does not rise, is a second living holder of the key. Once may be a frame that
was long on its way; the second time within a while both are turned away, for neither can be known to be the right one.
When only one of them goes on asking, it is let in again: the other was enrolled anew, or is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

# So many signs within the time are no accident.
SIGNS, WITHIN_SECONDS = 2, 600.0
# Without a sign for so long there is only one left.
QUIET_SECONDS = 900.0
REMEMBERED = 16


@dataclass
class _Key:
    current: str
    number: int
    replaced: list[str] = field(default_factory=list)
    signs: list[float] = field(default_factory=list)
    quarantined: bool = False


class Clones:
    """Who held each key last; asked once for every stream that opens."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._keys: dict[str, _Key] = {}

    def admit(self, agent_id: str, instance_id: str, number: int) -> bool:
        """Whether this process may have its stream; False while the key is in quarantine."""
        if not instance_id:
            return True  # an agent of 0.1.0, which says nothing to tell it by
        key = self._keys.get(agent_id)
        if key is None:
            self._keys[agent_id] = _Key(instance_id, number)
            return True
        now = self._monotonic()
        if self._is_sign(key, instance_id, number):
            key.signs = [*(at for at in key.signs if now - at <= WITHIN_SECONDS), now]
        self._take_place(key, instance_id, number)
        if len(key.signs) >= SIGNS:
            key.quarantined = True
        if key.quarantined and now - key.signs[-1] >= QUIET_SECONDS:
            key.quarantined, key.signs = False, []
        return not key.quarantined

    def quarantined(self, agent_id: str) -> bool:
        """Whether two machines were seen with this key."""
        key = self._keys.get(agent_id)
        return key is not None and key.quarantined

    def _is_sign(self, key: _Key, instance_id: str, number: int) -> bool:
        if instance_id == key.current:
            return number <= key.number
        # In quarantine any change of hands is one: both go on asking, and either may start anew.
        return key.quarantined or instance_id in key.replaced

    def _take_place(self, key: _Key, instance_id: str, number: int) -> None:
        if instance_id == key.current:
            key.number = max(key.number, number)
            return
        key.replaced = [*(one for one in key.replaced if one != instance_id), key.current][-REMEMBERED:]
        key.current, key.number = instance_id, number
