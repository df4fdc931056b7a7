"""Customers in a table."""

from __future__ import annotations

import sqlalchemy as sa

from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import Customer, Customers
from caseprobe_collector.storage.database import Database
from caseprobe_collector.storage.rows import first, records, seen_by, values
from caseprobe_collector.storage.tables import CUSTOMERS
from caseprobe_collector.storage.unit import unit_of


class SqlCustomers:
    """Implements the port `CustomerStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_customer(self, tx: Transaction, customer: Customer) -> None:
        """Store a new customer; raises UsageError where the name is taken."""
        await unit_of(tx).write(sa.insert(CUSTOMERS), values(customer))

    async def get_customer(self, customer_id: str, customers: Customers) -> Customer | None:
        """One customer, None where there is none."""
        wanted = (CUSTOMERS.c.customer_id == customer_id) & seen_by(CUSTOMERS.c.customer_id, customers)
        return first(Customer, await self._database.rows(sa.select(CUSTOMERS).where(wanted)))

    async def find_customer(self, name: str) -> Customer | None:
        """The customer of this name, None where there is none."""
        return first(Customer, await self._database.rows(sa.select(CUSTOMERS).where(CUSTOMERS.c.name == name)))

    async def list_customers(self, customers: Customers) -> list[Customer]:
        """These customers by name."""
        query = sa.select(CUSTOMERS).where(seen_by(CUSTOMERS.c.customer_id, customers))
        return records(Customer, await self._database.rows(query.order_by(CUSTOMERS.c.name)))
