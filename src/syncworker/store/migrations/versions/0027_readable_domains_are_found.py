"""Lists find a domain by the letters that it is read in, too, and not by its A-labels alone."""

from alembic import op

revision = "0027"
down_revision = "0026"

# RFC 3492, 6.2: what stands behind `xn--`. Nothing is raised for what is none: it is shown as it is kept.
_LABEL = """
    CREATE OR REPLACE FUNCTION punycode_decoded(encoded text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE
        ends int := length(encoded) - position('-' IN reverse(encoded));
        decoded text := CASE WHEN position('-' IN encoded) > 0 THEN left(encoded, ends) ELSE '' END;
        rest text := CASE WHEN position('-' IN encoded) > 0 THEN substr(encoded, ends + 2) ELSE encoded END;
        n int := 128; i int := 0; bias int := 72; old_i int; w int; k int; t int; digit int; size int; delta int;
    BEGIN
        WHILE rest <> '' LOOP
            old_i := i; w := 1; k := 36;
            LOOP
                digit := position(left(rest, 1) IN 'abcdefghijklmnopqrstuvwxyz0123456789') - 1;
                IF rest = '' OR digit < 0 THEN RETURN 'xn--' || encoded; END IF;
                rest := substr(rest, 2);
                i := i + digit * w;
                t := CASE WHEN k <= bias THEN 1 WHEN k >= bias + 26 THEN 26 ELSE k - bias END;
                EXIT WHEN digit < t;
                w := w * (36 - t); k := k + 36;
            END LOOP;
            size := length(decoded) + 1;
            delta := CASE WHEN old_i = 0 THEN (i - old_i) / 700 ELSE (i - old_i) / 2 END;
            delta := delta + delta / size; bias := 0;
            WHILE delta > 455 LOOP delta := delta / 35; bias := bias + 36; END LOOP;
            bias := bias + 36 * delta / (delta + 38);
            n := n + i / size; i := i % size;
            decoded := left(decoded, i) || chr(n) || substr(decoded, i + 1);
            i := i + 1;
        END LOOP;
        RETURN decoded;
    EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
        RETURN 'xn--' || encoded;
    END $$
"""
_DOMAIN = """
    CREATE OR REPLACE FUNCTION unicode_domain(given text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT string_agg(CASE WHEN label LIKE 'xn--%' THEN punycode_decoded(substr(label, 5)) ELSE label END,
                          '.' ORDER BY place)
          FROM unnest(string_to_array(given, '.')) WITH ORDINALITY AS labels (label, place)
    $$
"""
# As in 0015, and the domain in its own letters where it has any.
_TEXTS = """
    CREATE OR REPLACE FUNCTION lead_line_texts(of_domain text, of_hub bigint, of_contact text, of_company text,
        OUT company_key text, OUT contact_key text, OUT country_key text, OUT search text)
    LANGUAGE sql STABLE AS $$
        SELECT fold_text(coalesce(company.name, contact.company, '')), fold_text(coalesce(contact.name, '')),
               fold_text(coalesce(contact.country, company.country, '')),
               fold_text(concat_ws(chr(10), of_domain,
                                   CASE WHEN of_domain LIKE '%xn--%' THEN unicode_domain(of_domain) END,
                                   company.name, contact.company, contact.name, contact.country, company.country))
          FROM (SELECT) AS one
          LEFT JOIN records AS contact
            ON contact.hub_id = of_hub AND contact.kind = 'contact' AND contact.object_id = of_contact
          LEFT JOIN records AS company
            ON company.hub_id = of_hub AND company.kind = 'company' AND company.object_id = of_company
    $$
"""
_AGAIN = (
    """
    UPDATE lead_lines AS l
       SET search = (lead_line_texts(l.domain, l.hub_id, l.contact_id, l.company_id)).search
     WHERE l.domain LIKE '%xn--%'
    """,
    """
    UPDATE asked_lines AS l SET search = (asked_line_texts(l.request_id)).search
      FROM requests AS q WHERE q.id = l.request_id AND q.domain LIKE '%xn--%'
    """,
)


def upgrade() -> None:
    """Change the schema."""
    for statement in (_LABEL, _DOMAIN, _TEXTS, *_AGAIN):
        # No parameters: a percent sign is one.
        op.get_bind().exec_driver_sql(statement.replace("%", "%%"))
