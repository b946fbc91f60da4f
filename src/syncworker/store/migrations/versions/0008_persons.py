"""History refers to persons, whose names can be erased; it names none itself."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

# What was no person, when this was written; `registration/ledger/people.py` says it for the present.
_IS_PERSON = """
    who NOT IN ('syncworker', 'settings', 'check', 'unknown', 'api', 'brake', 'person', 'erased', '')
    AND split_part(who, ':', 1) NOT IN
        ('form', 'AUTOMATION_PLATFORM', 'AUTOMATION_JOURNEY', 'WORKFLOWS', 'WORKFLOW', 'INTEGRATION', 'unknown')
"""


def upgrade() -> None:
    """Change the schema, and move the names that history has into it."""
    op.create_table(
        "persons",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("named_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_persons")),
    )
    op.create_index("uq_persons_name", "persons", ["name"], unique=True, postgresql_where=sa.text("name IS NOT NULL"))
    op.add_column("history", sa.Column("person_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_history_person_id"), "history", "persons", ["person_id"], ["id"])
    op.execute(f"""
        INSERT INTO persons (name, named_at) SELECT who, min(at) FROM history WHERE {_IS_PERSON} GROUP BY who
    """)
    # The one time that what was told is changed: a name becomes a reference to it, and what it says stays.
    op.execute("ALTER TABLE history DISABLE TRIGGER history_is_append_only")
    op.execute("""
        UPDATE history SET person_id = persons.id, who = 'person' FROM persons WHERE persons.name = history.who
    """)
    op.execute("ALTER TABLE history ENABLE TRIGGER history_is_append_only")
