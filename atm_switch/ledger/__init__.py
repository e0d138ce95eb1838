"""The JHT ledger and the card registry: one SQL for SQLite and PostgreSQL."""
