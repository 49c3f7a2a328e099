"""The search of tickets: two documents a ticket, kept by the database itself.

No model knows them, so that nothing but the triggers writes them, and a dump has no copy of the words.
A later migration that alters tickets or comments rebuilds their table on SQLite, and the triggers are
lost with it: let it end with `RunPython(make_triggers)` of this one, on SQLite alone, since 0026 has
made those of PostgreSQL anew. tests/tickets/test_search_kept notices.
"""

from django.db import migrations
from django.db.utils import DatabaseError, NotSupportedError

REFUSED = (
    "The search of tickets needs the extension pg_trgm, which the user of DATABASE_URL may not create "
    "(%s). Let an administrator of the database run once, in this database: CREATE EXTENSION pg_trgm; "
    "then run `migrate` again. Where there is no such extension, install PostgreSQL's contrib package."
)
TOO_OLD = (
    "The search of tickets needs SQLite 3.34 or newer with FTS5 and its trigram tokenizer (%s)."
)

# PostgreSQL: a row a ticket. `public` and `internal` hold stems of words, the `_names` all that has Latin
# letters or digits in it, whole. What is internal holds everything, and is empty where there is no note.
# At most 200,000 characters of a ticket are looked at: a tsvector has room for a megabyte.
TABLE = r"""
    CREATE TABLE tickets_ticketsearch (
        ticket_id bigint PRIMARY KEY,
        public tsvector NOT NULL,
        public_names text NOT NULL,
        internal tsvector,
        internal_names text,
        size integer NOT NULL
    );

    CREATE FUNCTION ticket_search_words(words text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT strip(to_tsvector('pg_catalog.russian', translate(lower(words),
            E'ё!"#$%&''()*+,-./:;<=>?@[\\]^_`{|}~', 'е' || repeat(' ', 32))))
    $$;

    CREATE FUNCTION ticket_search_names(words text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT coalesce(string_agg(DISTINCT left(name, 200), ' '), '')
        FROM string_to_table(translate(lower(words),
            E'ё\n\t\u00a0«»"()[]{}<>,;', 'е' || repeat(' ', 16)), ' ') AS name
        WHERE length(name) > 2 AND name ~ '[a-z0-9]'
    $$;

    CREATE FUNCTION ticket_search_query(words text[]) RETURNS tsquery
    LANGUAGE sql STABLE AS $$
        SELECT string_agg('(' || query::text || ')', ' & ')::tsquery
        FROM unnest(words) AS word, plainto_tsquery('pg_catalog.russian', word) AS stem,
            LATERAL (SELECT CASE WHEN length(word) < 4 THEN stem
                ELSE stem || to_tsquery('pg_catalog.simple', quote_literal(word) || ':*') END
            ) AS one (query)
        WHERE numnode(stem) > 0
    $$;

    CREATE FUNCTION ticket_search_documents(number bigint) RETURNS SETOF tickets_ticketsearch
    LANGUAGE sql STABLE AS $$
        SELECT id, ticket_search_words(said), ticket_search_names(said),
            CASE WHEN has_notes THEN ticket_search_words(every) END,
            CASE WHEN has_notes THEN ticket_search_names(every) END,
            length(every)
        FROM (
            SELECT id, has_notes, left(concat_ws(' ', title, description, public), 200000) AS said,
                left(concat_ws(' ', title, description, everything), 200000) AS every
            FROM tickets_ticket, LATERAL (
                SELECT string_agg(body, ' ' ORDER BY id DESC) FILTER (WHERE NOT is_internal) AS public,
                    string_agg(body, ' ' ORDER BY id DESC) AS everything,
                    coalesce(bool_or(is_internal), false) AS has_notes
                FROM tickets_comment WHERE ticket_id = tickets_ticket.id
            ) AS comments
            WHERE id = number
        ) AS texts
    $$;

    CREATE FUNCTION ticket_search_renew(number bigint) RETURNS void LANGUAGE sql AS $$
        INSERT INTO tickets_ticketsearch SELECT * FROM ticket_search_documents(number)
        ON CONFLICT (ticket_id) DO UPDATE SET
            public = EXCLUDED.public, public_names = EXCLUDED.public_names,
            internal = EXCLUDED.internal, internal_names = EXCLUDED.internal_names,
            size = EXCLUDED.size
    $$;

    CREATE FUNCTION ticket_search_fill() RETURNS void LANGUAGE sql AS $$
        INSERT INTO tickets_ticketsearch
        SELECT found.* FROM tickets_ticket, ticket_search_documents(tickets_ticket.id) AS found
    $$;

    CREATE FUNCTION ticket_search_of_ticket() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'TRUNCATE' THEN
            TRUNCATE tickets_ticketsearch;
        ELSIF TG_OP = 'DELETE' THEN
            DELETE FROM tickets_ticketsearch WHERE ticket_id = OLD.id;
        ELSE
            PERFORM ticket_search_renew(NEW.id);
        END IF;
        RETURN NULL;
    END $$;

    CREATE FUNCTION ticket_search_of_comment() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            IF length(NEW.body) < 200000 THEN  -- the planner would take longer ones for words at once
                UPDATE tickets_ticketsearch SET
                    public = CASE WHEN NEW.is_internal THEN public
                        ELSE public || ticket_search_words(NEW.body) END,
                    public_names = CASE WHEN NEW.is_internal THEN public_names
                        ELSE public_names || ' ' || ticket_search_names(NEW.body) END,
                    internal = CASE WHEN NEW.is_internal OR internal IS NOT NULL
                        THEN coalesce(internal, public) || ticket_search_words(NEW.body) END,
                    internal_names = CASE WHEN NEW.is_internal OR internal IS NOT NULL THEN
                        coalesce(internal_names, public_names) || ' ' || ticket_search_names(NEW.body) END,
                    size = size + length(NEW.body) + 1
                WHERE ticket_id = NEW.ticket_id AND size + length(NEW.body) < 200000;
                IF FOUND THEN
                    RETURN NULL;
                END IF;
            END IF;
        END IF;
        IF TG_OP <> 'DELETE' THEN
            PERFORM ticket_search_renew(NEW.ticket_id);
        END IF;
        IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND OLD.ticket_id <> NEW.ticket_id THEN
            PERFORM ticket_search_renew(OLD.ticket_id);
        END IF;
        RETURN NULL;
    END $$;
"""

INDEXES = """
    CREATE INDEX ticket_search_public ON tickets_ticketsearch
        USING gin (public, public_names gin_trgm_ops) WITH (fastupdate = off);
    CREATE INDEX ticket_search_internal ON tickets_ticketsearch
        USING gin (internal, internal_names gin_trgm_ops) WITH (fastupdate = off)
        WHERE internal IS NOT NULL;
"""

# SQLite: a document a text, found by its parts. Those of tickets have their number with a minus before it,
# those of comments their id; notes stand in the second table only.
FTS = """
    CREATE VIRTUAL TABLE tickets_ticketsearch_{kind}
    USING fts5(words, content='', tokenize='trigram')
"""


def _change(row: str, kind: str, key: str, words: str) -> str:
    """A text into the index or, with `old` as the row, out of it."""
    words = f"replace(replace({words}, 'ё', 'е'), 'Ё', 'Е')"
    table = f"tickets_ticketsearch_{kind}"
    if row == "new":
        return f"INSERT INTO {table}(rowid, words) VALUES ({key}, {words});"  # noqa: S608
    return f"INSERT INTO {table}({table}, rowid, words) VALUES ('delete', {key}, {words});"  # noqa: S608


def _of_ticket(row: str) -> str:
    return _change(row, "public", f"-{row}.id", f"{row}.title || ' ' || {row}.description")


def _of_comment(row: str, kind: str) -> str:
    return _change(row, kind, f"{row}.id", f"{row}.body")


def _triggers() -> dict[str, str]:
    """By name; each speaks of its own table only, or the others could not be rebuilt."""
    changed = "old.title IS NOT new.title OR old.description IS NOT new.description"
    both = _of_ticket("old") + _of_ticket("new")
    made = {
        "ticket_search_opened": f"AFTER INSERT ON tickets_ticket BEGIN {_of_ticket('new')} END",
        "ticket_search_deleted": f"AFTER DELETE ON tickets_ticket BEGIN {_of_ticket('old')} END",
        "ticket_search_changed": "AFTER UPDATE OF title, description ON tickets_ticket "
        f"WHEN {changed} BEGIN {both} END",
    }
    is_of = {"public": "NOT {}.is_internal", "internal": "{}.is_internal"}
    for kind, condition in is_of.items():
        old, new = condition.format("old"), condition.format("new")
        made |= {
            f"ticket_search_said_{kind}": "AFTER INSERT ON tickets_comment "
            f"WHEN {new} BEGIN {_of_comment('new', kind)} END",
            f"ticket_search_unsaid_{kind}": "AFTER DELETE ON tickets_comment "
            f"WHEN {old} BEGIN {_of_comment('old', kind)} END",
        }
        for before, earlier in is_of.items():  # one trigger does both: two keep no order
            made[f"ticket_search_{before}_to_{kind}"] = (
                "AFTER UPDATE OF body, is_internal ON tickets_comment "
                f"WHEN {earlier.format('old')} AND {new} "
                f"BEGIN {_of_comment('old', before)}{_of_comment('new', kind)} END"
            )
    return made


ON_SQLITE = _triggers()
ON_POSTGRESQL = {
    "ticket_search_opened": "AFTER INSERT ON tickets_ticket FOR EACH ROW",
    "ticket_search_changed": "AFTER UPDATE OF title, description ON tickets_ticket FOR EACH ROW WHEN "
    "((OLD.title, OLD.description) IS DISTINCT FROM (NEW.title, NEW.description))",
    "ticket_search_deleted": "AFTER DELETE ON tickets_ticket FOR EACH ROW",
    "ticket_search_emptied": "AFTER TRUNCATE ON tickets_ticket",
    "ticket_search_said": "AFTER INSERT OR DELETE ON tickets_comment FOR EACH ROW",
    "ticket_search_corrected": "AFTER UPDATE OF body, is_internal, ticket_id ON tickets_comment "
    "FOR EACH ROW WHEN ((OLD.body, OLD.is_internal, OLD.ticket_id) IS DISTINCT FROM "
    "(NEW.body, NEW.is_internal, NEW.ticket_id))",
}


def make_search(apps, schema_editor):
    """Tables, triggers and what there is already: of a million tickets in minutes."""
    if schema_editor.connection.vendor == "sqlite":
        _make_on_sqlite(schema_editor)
    else:
        _make_extension(schema_editor)
        _make_on_postgresql(schema_editor)
    make_triggers(apps, schema_editor)


def _make_on_sqlite(schema_editor):
    for kind in ("public", "internal"):
        try:
            schema_editor.execute(FTS.format(kind=kind))
        except DatabaseError as error:
            raise NotSupportedError(TOO_OLD % error) from error
        rows = f"FROM tickets_comment AS new WHERE new.is_internal = {kind == 'internal'}"
        _fill(schema_editor, _of_comment("new", kind), rows)
    _fill(schema_editor, _of_ticket("new"), "FROM tickets_ticket AS new")


def _fill(schema_editor, insert: str, rows: str):
    schema_editor.execute(insert.replace("VALUES (", "SELECT ", 1).removesuffix(");") + " " + rows)


def _make_extension(schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")
        if cursor.fetchone():
            return
        try:
            cursor.execute("CREATE EXTENSION pg_trgm")
        except DatabaseError as error:
            raise NotSupportedError(REFUSED % str(error).strip()) from error


def _make_on_postgresql(schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(TABLE)
        cursor.execute("SELECT ticket_search_fill()")
        cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
        cursor.execute(INDEXES)
        cursor.execute("RESET maintenance_work_mem")
        cursor.execute("ANALYZE tickets_ticketsearch")


def make_triggers(apps, schema_editor):
    """Make them anew, whichever there are."""
    _drop_triggers(schema_editor)
    if schema_editor.connection.vendor == "sqlite":
        for name, when in ON_SQLITE.items():
            schema_editor.execute(f"CREATE TRIGGER {name} {when}")
        return
    for name, when in ON_POSTGRESQL.items():
        about = "comment" if "tickets_comment" in when else "ticket"
        schema_editor.execute(
            f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION ticket_search_of_{about}()"
        )


def _drop_triggers(schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for name in ON_SQLITE:
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}")
        return
    for name, when in ON_POSTGRESQL.items():
        table = "tickets_comment" if "tickets_comment" in when else "tickets_ticket"
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {name} ON {table}")


def drop_search(apps, schema_editor):
    """The extension stays: others may use it."""
    _drop_triggers(schema_editor)
    if schema_editor.connection.vendor == "sqlite":
        for kind in ("public", "internal"):
            schema_editor.execute(f"DROP TABLE tickets_ticketsearch_{kind}")
        return
    for name in (
        "of_ticket()", "of_comment()", "fill()", "renew(bigint)", "documents(bigint)",
        "query(text[])", "names(text)", "words(text)",
    ):  # fmt: skip
        schema_editor.execute(f"DROP FUNCTION ticket_search_{name}")
    schema_editor.execute("DROP TABLE tickets_ticketsearch")


class Migration(migrations.Migration):
    dependencies = [("tickets", "0013_followers_and_preferences")]

    operations = [migrations.RunPython(make_search, drop_search)]
