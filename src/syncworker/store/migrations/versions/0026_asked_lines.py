"""A line for each request that lists of requests search, kept by the database itself: see `lead_lines`."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

_LISTED = "('waiting', 'unavailable', 'invalid_data', 'confirming', 'unresolved')"
_TEXTS = """
    CREATE OR REPLACE FUNCTION asked_line_texts(of_request bigint,
        OUT company_id text, OUT company_key text, OUT contact_key text, OUT country_key text, OUT search text)
    LANGUAGE sql STABLE AS $$
        SELECT c.company_id, t.company_key, t.contact_key, t.country_key, t.search
          FROM requests AS q
          LEFT JOIN records AS contact
            ON contact.hub_id = q.hub_id AND contact.kind = 'contact' AND contact.object_id = q.contact_id,
               LATERAL (SELECT coalesce(q.company_id, contact.company_id) AS company_id) AS c,
               LATERAL lead_line_texts(q.domain, q.hub_id, q.contact_id, c.company_id) AS t
         WHERE q.id = of_request
    $$
"""
_LINE = """
    INSERT INTO asked_lines (request_id, hub_id, contact_id, company_id, company_key, contact_key, country_key, search)
    SELECT q.id, q.hub_id, q.contact_id, t.company_id, t.company_key, t.contact_key, t.country_key, t.search
      FROM requests AS q, LATERAL asked_line_texts(q.id) AS t
     WHERE {which}
    ON CONFLICT (request_id) DO UPDATE
       SET hub_id = excluded.hub_id, contact_id = excluded.contact_id, company_id = excluded.company_id,
           company_key = excluded.company_key, contact_key = excluded.contact_key,
           country_key = excluded.country_key, search = excluded.search
"""
_OF_REQUEST = f"""
    CREATE OR REPLACE FUNCTION keep_asked_line() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.state IN {_LISTED} THEN
            {_LINE.format(which="q.id = NEW.id")};
        ELSE
            DELETE FROM asked_lines WHERE request_id = NEW.id;
        END IF;
        RETURN NULL;
    END $$
"""
# For whoever fills the ledger past its triggers.
_ALL = f"""
    CREATE OR REPLACE FUNCTION fill_asked_lines() RETURNS void LANGUAGE sql AS $$
        {_LINE.format(which=f"q.state IN {_LISTED}")}
    $$
"""
# By one column at a time: a plan for either would read all lines.
_AGAIN = """
    UPDATE asked_lines AS l SET (company_id, company_key, contact_key, country_key, search) = (
        SELECT t.company_id, t.company_key, t.contact_key, t.country_key, t.search
          FROM asked_line_texts(l.request_id) AS t)
     WHERE l.hub_id = of_record.hub_id AND l.{column} = of_record.object_id
"""
_OF_RECORD = f"""
    CREATE OR REPLACE FUNCTION keep_asked_line_texts() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        of_record records%ROWTYPE;
    BEGIN
        IF TG_OP = 'DELETE' THEN of_record := OLD; ELSE of_record := NEW; END IF;
        IF of_record.kind = 'contact' THEN
            {_AGAIN.format(column="contact_id")};
        ELSE
            {_AGAIN.format(column="company_id")};
        END IF;
        RETURN NULL;
    END $$
"""
# A lead that is registered at once is never in these states: its way is not made longer.
_TRIGGERS = (
    f"""
    CREATE TRIGGER asked_line_new AFTER INSERT ON requests FOR EACH ROW WHEN (NEW.state IN {_LISTED})
    EXECUTE FUNCTION keep_asked_line()
    """,
    f"""
    CREATE TRIGGER asked_line_changed AFTER UPDATE OF state, domain, hub_id, contact_id, company_id ON requests
    FOR EACH ROW WHEN (
        (OLD.state IN {_LISTED} OR NEW.state IN {_LISTED})
        AND (OLD.state, OLD.domain, OLD.hub_id, OLD.contact_id, OLD.company_id)
            IS DISTINCT FROM (NEW.state, NEW.domain, NEW.hub_id, NEW.contact_id, NEW.company_id))
    EXECUTE FUNCTION keep_asked_line()
    """,
    """
    CREATE TRIGGER asked_line_of_new AFTER INSERT OR DELETE ON records
    FOR EACH ROW EXECUTE FUNCTION keep_asked_line_texts()
    """,
    """
    CREATE TRIGGER asked_line_of_changed AFTER UPDATE OF object_id, name, company, country, company_id ON records
    FOR EACH ROW WHEN (
        (OLD.object_id, OLD.name, OLD.company, OLD.country, OLD.company_id)
        IS DISTINCT FROM (NEW.object_id, NEW.name, NEW.company, NEW.country, NEW.company_id))
    EXECUTE FUNCTION keep_asked_line_texts()
    """,
)


def upgrade() -> None:
    """Change the schema, and make a line for each request that is listed."""
    op.create_table(
        "asked_lines",
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.Text(), nullable=True),
        sa.Column("company_id", sa.Text(), nullable=True),
        sa.Column("company_key", sa.Text(), nullable=False),
        sa.Column("contact_key", sa.Text(), nullable=False),
        sa.Column("country_key", sa.Text(), nullable=False),
        sa.Column("search", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_asked_lines")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], ondelete="CASCADE", name=op.f("fk_asked_lines_request_id_requests")
        ),
    )
    op.create_index("ix_asked_lines_contact", "asked_lines", ["hub_id", "contact_id"])
    op.create_index("ix_asked_lines_company", "asked_lines", ["hub_id", "company_id"])
    for function in (_TEXTS, _ALL, _OF_REQUEST, _OF_RECORD):
        op.execute(function)
    op.execute("SELECT fill_asked_lines()")
    for trigger in _TRIGGERS:
        op.execute(trigger)
