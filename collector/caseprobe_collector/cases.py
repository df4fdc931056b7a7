"""Support cases: opened, read, closed, opened again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from caseprobe.errors import NotAllowed, NotFound, UsageError
from caseprobe_collector.access import Action, Principal, decide
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.ports import CaseStore, Clock, CustomerStore, Transaction, Transactions
from caseprobe_collector.records import Case

MAX_TITLE = 200
MAX_DESCRIPTION = 20_000
MAX_LISTED = 500


class Cases:
    """What staff do with cases. Another customer's case is not found, so that its existence is not told."""

    def __init__(
        self,
        transactions: Transactions,
        store: CaseStore,
        customers: CustomerStore,
        audit: AuditLog,
        clock: Clock,
        new_id: Callable[[str], str],
    ) -> None:
        self._transactions = transactions
        self._store = store
        self._customers = customers
        self._audit = audit
        self._clock = clock
        self._new_id = new_id

    async def create(self, by: Principal, customer_id: str, title: str, description: str = "") -> Case:
        """A new open case; raises NotFound for the customer, UsageError for the title."""
        if await self._customers.get_customer(customer_id, by.customer_ids) is None:
            raise NotFound(f"no customer {customer_id[:60]!r}")
        if not decide(by, Action.CASE_WRITE, customer_id):
            raise NotAllowed("you may not open cases for this customer")
        case = Case(
            case_id=self._new_id("case"),
            customer_id=customer_id,
            title=checked_title(title),
            description=description[:MAX_DESCRIPTION],
            state="open",
            created_at=self._clock.now(),
            created_by=by.id,
        )

        async def work(tx: Transaction) -> None:
            await self._store.add_case(tx, case)
            await self._audit.record(tx, by, "case.create", customer_id, case.case_id, case.title)

        await self._transactions.run(work)
        return case

    async def close(self, by: Principal, case_id: str) -> Case:
        """The case, which takes no more evidence; closing twice is closing once."""
        closed_at = self._clock.now()

        async def work(tx: Transaction) -> Case:
            case = await self._changeable(by, case_id)
            if case.state == "closed":
                return case
            await self._store.close_case(tx, case_id, closed_at)
            await self._audit.record(tx, by, "case.close", case.customer_id, case_id)
            return replace(case, state="closed", closed_at=closed_at)

        return await self._transactions.run(work)

    async def reopen(self, by: Principal, case_id: str) -> Case:
        """The case, open again."""

        async def work(tx: Transaction) -> Case:
            case = await self._changeable(by, case_id)
            if case.state == "open":
                return case
            await self._store.reopen_case(tx, case_id)
            await self._audit.record(tx, by, "case.reopen", case.customer_id, case_id)
            return replace(case, state="open", closed_at=None)

        return await self._transactions.run(work)

    async def get(self, by: Principal, case_id: str) -> Case:
        """One case; raises NotFound."""
        case = await self._store.get_case(case_id, by.customer_ids)
        if case is None or not decide(by, Action.CASE_READ, case.customer_id):
            raise NotFound(f"no case {case_id[:60]!r}")
        return case

    async def list(
        self, by: Principal, state: str | None = None, limit: int = 200, before: str | None = None
    ) -> list[Case]:
        """Cases, newest first; before: the id after which a page goes on."""
        if not decide(by, Action.CASE_READ):
            raise NotAllowed("you may not read cases")
        return await self._store.list_cases(by.customer_ids, state, max(1, min(limit, MAX_LISTED)), before)

    async def _changeable(self, by: Principal, case_id: str) -> Case:
        case = await self.get(by, case_id)
        if not decide(by, Action.CASE_CLOSE, case.customer_id):
            raise NotAllowed("only support and admins may close and reopen cases")
        return case


def checked_title(title: str) -> str:
    """The title without surrounding space; raises UsageError where it is empty, too long or more than one line.

    It is shown in consent texts on customers' terminals, so it has no control characters.

    >>> checked_title("  disk full ")
    'disk full'
    """
    text = title.strip()
    if not 0 < len(text) <= MAX_TITLE or not text.isprintable():
        raise UsageError(f"title: must be one line of 1 to {MAX_TITLE} characters")
    return text
