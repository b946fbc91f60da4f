"""PostgreSQL: tables, transactions, migrations."""
