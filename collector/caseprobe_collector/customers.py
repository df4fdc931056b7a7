"""Customers: the tenants that machines and cases belong to."""

from __future__ import annotations

from collections.abc import Callable

from caseprobe.errors import NotAllowed, NotFound, UsageError
from caseprobe_collector.access import Action, Principal, decide
from caseprobe_collector.audit import AuditLog
from caseprobe_collector.ports import Clock, CustomerStore, Transaction, Transactions
from caseprobe_collector.records import Customer

MAX_NAME = 120


class Customers:
    """What staff do with customers."""

    def __init__(
        self,
        transactions: Transactions,
        store: CustomerStore,
        audit: AuditLog,
        clock: Clock,
        new_id: Callable[[str], str],
    ) -> None:
        self._transactions = transactions
        self._store = store
        self._audit = audit
        self._clock = clock
        self._new_id = new_id

    async def create(self, by: Principal, name: str) -> Customer:
        """A new customer; raises UsageError where the name is empty, too long or taken."""
        # Whether a name is taken would tell an admin of some customers about others.
        if not decide(by, Action.CUSTOMER_WRITE) or by.customer_ids is not None:
            raise NotAllowed("only admins who see every customer may add customers")
        text = name.strip()
        if not 0 < len(text) <= MAX_NAME or not text.isprintable():
            raise UsageError(f"name: must be one line of 1 to {MAX_NAME} characters")
        customer = Customer(self._new_id("cust"), text, self._clock.now())

        async def work(tx: Transaction) -> None:
            if await self._store.find_customer(text) is not None:
                raise UsageError(f"name: there is a customer {text!r} already")
            await self._store.add_customer(tx, customer)
            await self._audit.record(tx, by, "customer.create", customer.customer_id, customer.customer_id, text)

        await self._transactions.run(work)
        return customer

    async def get(self, by: Principal, customer_id: str) -> Customer:
        """One customer; raises NotFound."""
        customer = await self._store.get_customer(customer_id, by.customer_ids)
        if customer is None or not decide(by, Action.CUSTOMER_READ, customer_id):
            raise NotFound(f"no customer {customer_id[:60]!r}")
        return customer

    async def list(self, by: Principal) -> list[Customer]:
        """The customers that one may see, by name."""
        if not decide(by, Action.CUSTOMER_READ):
            raise NotAllowed("you may not read customers")
        return await self._store.list_customers(by.customer_ids)
