"""A line for each domain a partner registered: what the lists search and sort by, kept by the database itself."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

# Case and accents aside. Letters that are no letter with an accent are the ones that translate() knows.
_FOLD = r"""
    CREATE OR REPLACE FUNCTION fold_text(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT translate(lower(regexp_replace(normalize(given, NFD), U&'[\0300-\036F]', '', 'g')), 'øæłđß', 'oalds')
    $$
"""
_TEXTS = """
    CREATE OR REPLACE FUNCTION lead_line_texts(of_domain text, of_hub bigint, of_contact text, of_company text,
        OUT company_key text, OUT contact_key text, OUT country_key text, OUT search text)
    LANGUAGE sql STABLE AS $$
        SELECT fold_text(coalesce(company.name, contact.company, '')), fold_text(coalesce(contact.name, '')),
               fold_text(coalesce(contact.country, company.country, '')),
               fold_text(concat_ws(chr(10), of_domain, company.name, contact.company, contact.name, contact.country,
                                   company.country))
          FROM (SELECT) AS one
          LEFT JOIN records AS contact
            ON contact.hub_id = of_hub AND contact.kind = 'contact' AND contact.object_id = of_contact
          LEFT JOIN records AS company
            ON company.hub_id = of_hub AND company.kind = 'company' AND company.object_id = of_company
    $$
"""
_LINE = """
    INSERT INTO lead_lines (partner_id, domain, registration_id, hub_id, contact_id, company_id, state, registered_on,
                            expires_at, renews, source, confirmation, company_key, contact_key, country_key, search)
    SELECT r.partner_id, r.domain, r.id, r.hub_id, r.contact_id, r.company_id,
           CASE WHEN r.deregistered_at IS NOT NULL THEN 'deregistered'
                WHEN r.ended_at IS NOT NULL THEN 'expired' ELSE 'registered' END,
           r.registered_on, r.expires_at, r.renew_at_expiry, r.source, r.confirmation,
           t.company_key, t.contact_key, t.country_key, t.search
      FROM {rows} AS r, LATERAL lead_line_texts(r.domain, r.hub_id, r.contact_id, r.company_id) AS t
    ON CONFLICT (partner_id, domain) DO UPDATE
       SET registration_id = excluded.registration_id, hub_id = excluded.hub_id, contact_id = excluded.contact_id,
           company_id = excluded.company_id, state = excluded.state, registered_on = excluded.registered_on,
           expires_at = excluded.expires_at, renews = excluded.renews, source = excluded.source,
           confirmation = excluded.confirmation, company_key = excluded.company_key,
           contact_key = excluded.contact_key, country_key = excluded.country_key, search = excluded.search
     -- An older claim of the domain, taken in later, is not what it shows.
     WHERE lead_lines.registration_id <= excluded.registration_id
"""
_OF_REGISTRATION = f"""
    CREATE OR REPLACE FUNCTION keep_lead_line() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        {_LINE.format(rows="(SELECT NEW.*)")};
        RETURN NULL;
    END $$
"""
# For whoever fills the ledger past its triggers.
_NEWEST = "(SELECT DISTINCT ON (partner_id, domain) * FROM registrations ORDER BY partner_id, domain, id DESC)"
_ALL = f"""
    CREATE OR REPLACE FUNCTION fill_lead_lines() RETURNS void LANGUAGE sql AS $$
        {_LINE.format(rows=_NEWEST)}
    $$
"""
# By one column at a time: a plan for either would read all lines.
_OF_RECORD = """
    CREATE OR REPLACE FUNCTION keep_lead_line_texts() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        of_record records%ROWTYPE;
    BEGIN
        IF TG_OP = 'DELETE' THEN of_record := OLD; ELSE of_record := NEW; END IF;
        IF of_record.kind = 'contact' THEN
            UPDATE lead_lines AS l SET (company_key, contact_key, country_key, search) = (
                SELECT t.company_key, t.contact_key, t.country_key, t.search
                  FROM lead_line_texts(l.domain, l.hub_id, l.contact_id, l.company_id) AS t)
             WHERE l.hub_id = of_record.hub_id AND l.contact_id = of_record.object_id;
        ELSE
            UPDATE lead_lines AS l SET (company_key, contact_key, country_key, search) = (
                SELECT t.company_key, t.contact_key, t.country_key, t.search
                  FROM lead_line_texts(l.domain, l.hub_id, l.contact_id, l.company_id) AS t)
             WHERE l.hub_id = of_record.hub_id AND l.company_id = of_record.object_id;
        END IF;
        RETURN NULL;
    END $$
"""
_TRIGGERS = (
    """
    CREATE TRIGGER lead_line AFTER INSERT OR UPDATE OF hub_id, contact_id, company_id, registered_on, expires_at,
        renew_at_expiry, source, confirmation, deregistered_at, ended_at
    ON registrations FOR EACH ROW EXECUTE FUNCTION keep_lead_line()
    """,
    """
    CREATE TRIGGER lead_line_new AFTER INSERT OR DELETE ON records
    FOR EACH ROW EXECUTE FUNCTION keep_lead_line_texts()
    """,
    """
    CREATE TRIGGER lead_line_changed AFTER UPDATE OF object_id, name, company, country ON records FOR EACH ROW
    WHEN ((OLD.object_id, OLD.name, OLD.company, OLD.country)
          IS DISTINCT FROM (NEW.object_id, NEW.name, NEW.company, NEW.country))
    EXECUTE FUNCTION keep_lead_line_texts()
    """,
)


def upgrade() -> None:
    """Change the schema, and make a line for each domain there is."""
    op.create_table(
        "lead_lines",
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("registration_id", sa.BigInteger(), nullable=False),
        sa.Column("hub_id", sa.BigInteger(), nullable=True),
        sa.Column("contact_id", sa.Text(), nullable=True),
        sa.Column("company_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("registered_on", sa.Date(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("renews", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("confirmation", sa.Text(), nullable=True),
        sa.Column("company_key", sa.Text(), nullable=False),
        sa.Column("contact_key", sa.Text(), nullable=False),
        sa.Column("country_key", sa.Text(), nullable=False),
        sa.Column("search", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("partner_id", "domain", name=op.f("pk_lead_lines")),
    )
    op.create_index("ix_lead_lines_contact", "lead_lines", ["hub_id", "contact_id"])
    op.create_index("ix_lead_lines_company", "lead_lines", ["hub_id", "company_id"])
    for key in ("domain", "company_key", "contact_key", "country_key", "registered_on", "expires_at", "source"):
        columns = ["partner_id", key] if key == "domain" else ["partner_id", key, "domain"]
        covers = ["state", "expires_at", "renews"]
        op.create_index(f"ix_lead_lines_by_{key}", "lead_lines", columns, postgresql_include=covers)
    for function in (_FOLD, _TEXTS, _ALL, _OF_REGISTRATION, _OF_RECORD):
        op.execute(function)
    op.execute("SELECT fill_lead_lines()")
    for trigger in _TRIGGERS:
        op.execute(trigger)
