"""Customers in a table."""

from __future__ import annotations

import sqlalchemy as sa

from caseprobe_collector.ports import Transaction
from caseprobe_collector.records import Customer, Customers
from caseprobe_collector.storage.database import Database
from caseprobe_collector.storage.rows import seen_by, values
from caseprobe_collector.storage.sealed import CUSTOMER_ROWS
from caseprobe_collector.storage.tables import CUSTOMERS
from caseprobe_collector.storage.unit import unit_of


class SqlCustomers:
    """Implements the port `CustomerStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_customer(self, tx: Transaction, customer: Customer) -> None:
        """Store a new customer; raises UsageError where the name is taken."""
        await unit_of(tx).write(sa.insert(CUSTOMERS), CUSTOMER_ROWS.sealed(values(customer)))

    async def get_customer(self, customer_id: str, customers: Customers) -> Customer | None:
        """One customer, None where there is none; raises StorageDamaged for a damaged one."""
        wanted = (CUSTOMERS.c.customer_id == customer_id) & seen_by(CUSTOMERS.c.customer_id, customers)
        return CUSTOMER_ROWS.first(Customer, await self._database.rows(CUSTOMER_ROWS.select().where(wanted)))

    async def find_customer(self, name: str) -> Customer | None:
        """The customer of this name, None where there is none; raises StorageDamaged for a damaged one."""
        query = CUSTOMER_ROWS.select().where(CUSTOMERS.c.name == name)
        return CUSTOMER_ROWS.first(Customer, await self._database.rows(query))

    async def list_customers(self, customers: Customers) -> list[Customer]:
        """These customers by name, but for damaged ones."""
        query = CUSTOMER_ROWS.select().where(seen_by(CUSTOMERS.c.customer_id, customers))
        return CUSTOMER_ROWS.records(Customer, await self._database.rows(query.order_by(CUSTOMERS.c.name)))
