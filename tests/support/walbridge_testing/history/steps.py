"""The history: every step as its tool would run it. A string is a migration in one transaction (Flyway, Django, Rails), a list is one whose
statements are committed one by one (disable_ddl_transaction!, atomic = False, backfills in batches)."""


def batches(statement, last, size):
    """statement has {low} and {high}: a backfill in batches, each committed."""
    return [statement.format(low=low, high=low + size - 1) for low in range(1, last + 1, size)]


STEPS = [
    ("users_add_phone", "ALTER TABLE users ADD COLUMN phone varchar(30)"),
    ("users_index_email", ["CREATE INDEX CONCURRENTLY index_users_on_email ON users (email)"]),
    ("users_downcase_email", batches("UPDATE users SET email = lower(email) WHERE id BETWEEN {low} AND {high}", 400, 100)),
    ("users_rename_login", "ALTER TABLE users RENAME COLUMN login TO username"),
    ("users_add_full_name", """ALTER TABLE users ADD COLUMN full_name text;
        CREATE FUNCTION fill_full_name() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.full_name IS NULL THEN NEW.full_name := concat_ws(' ', NEW.first_name, NEW.last_name); END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER fill_full_name BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION fill_full_name()"""),
    ("users_backfill_full_name", batches("UPDATE users SET full_name = concat_ws(' ', first_name, last_name) WHERE full_name IS NULL AND id BETWEEN {low} AND {high}", 400, 130)),
    ("users_full_name_check", "ALTER TABLE users ADD CONSTRAINT users_full_name_null CHECK (full_name IS NOT NULL) NOT VALID"),
    ("users_full_name_validate", "UPDATE users SET full_name = '' WHERE full_name IS NULL; ALTER TABLE users VALIDATE CONSTRAINT users_full_name_null"),
    ("users_full_name_not_null", "ALTER TABLE users ALTER full_name SET NOT NULL; ALTER TABLE users DROP CONSTRAINT users_full_name_null"),
    ("users_drop_name_parts", """DROP TRIGGER fill_full_name ON users; DROP FUNCTION fill_full_name(); ALTER TABLE users DROP COLUMN first_name, DROP COLUMN last_name;
        ALTER TABLE users ALTER full_name SET DEFAULT ''"""),
    ("posts_status_enum", """CREATE TYPE post_status AS ENUM ('draft', 'published', 'hidden');
        ALTER TABLE posts ALTER status DROP DEFAULT; ALTER TABLE posts ALTER status TYPE post_status USING status::post_status; ALTER TABLE posts ALTER status SET DEFAULT 'draft'"""),
    ("post_status_add_archived", ["ALTER TYPE post_status ADD VALUE IF NOT EXISTS 'archived'", "ALTER TYPE post_status ADD VALUE 'review' BEFORE 'published'"]),
    ("posts_archive_old", "UPDATE posts SET status = 'archived' WHERE id < 50; UPDATE posts SET status = 'review' WHERE id BETWEEN 50 AND 60"),
    # Whoever has written the old label commits first: see the limits in docs/ddl.md.
    ("post_status_rename_hidden", "LOCK TABLE posts; ALTER TYPE post_status RENAME VALUE 'hidden' TO 'unlisted'"),
    ("accounts_bigint", "ALTER TABLE accounts ALTER id TYPE bigint; ALTER TABLE users ALTER account_id TYPE bigint; ALTER TABLE orders ALTER account_id TYPE bigint; ALTER SEQUENCE accounts_id_seq AS bigint"),
    ("timestamps_with_zone", """SET LOCAL TimeZone = 'Europe/Berlin'; ALTER TABLE posts ALTER created_at TYPE timestamptz USING created_at AT TIME ZONE 'UTC', ALTER updated_at TYPE timestamptz;
        ALTER TABLE users ALTER created_at TYPE timestamptz, ALTER created_at SET DEFAULT now()"""),
    ("users_text_columns", "ALTER TABLE users ALTER username TYPE text, ALTER phone TYPE varchar(60)"),
    ("users_citext", "ALTER TABLE users ALTER email TYPE extensions.citext"),
    ("users_unique_email_index", ["CREATE UNIQUE INDEX CONCURRENTLY users_email_unique ON users (email)"]),
    ("users_unique_email", "ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE USING INDEX users_email_unique; DROP INDEX index_users_on_email"),
    ("comments_post_id", "ALTER TABLE comments ADD post_id int, ADD about_user_id int; CREATE INDEX ON comments (post_id)"),
    ("comments_backfill_posts", batches("UPDATE comments SET post_id = commentable_id WHERE commentable_type = 'Post' AND post_id IS NULL AND id BETWEEN {low} AND {high}", 1500, 500)),
    ("comments_backfill_users", "UPDATE comments SET about_user_id = commentable_id WHERE commentable_type = 'User'; DELETE FROM comments WHERE post_id NOT IN (SELECT id FROM posts)"),
    ("comments_foreign_keys", """ALTER TABLE comments ADD CONSTRAINT comments_post_fk FOREIGN KEY (post_id) REFERENCES posts ON DELETE CASCADE NOT VALID;
        ALTER TABLE comments ADD CONSTRAINT comments_about_user_fk FOREIGN KEY (about_user_id) REFERENCES users NOT VALID"""),
    ("comments_validate", ["DELETE FROM comments WHERE post_id IS NOT NULL AND NOT EXISTS (SELECT FROM posts p WHERE p.id = post_id)",
                           "DELETE FROM comments WHERE about_user_id IS NOT NULL AND NOT EXISTS (SELECT FROM users u WHERE u.id = about_user_id)",
                           "ALTER TABLE comments VALIDATE CONSTRAINT comments_post_fk", "ALTER TABLE comments VALIDATE CONSTRAINT comments_about_user_fk"]),
    ("comments_drop_polymorphic", "ALTER TABLE comments DROP COLUMN commentable_type, DROP COLUMN commentable_id CASCADE"),
    ("order_lines_amount", "ALTER TABLE order_lines ADD amount numeric(12, 2) GENERATED ALWAYS AS (qty * price) STORED"),
    ("orders_totals", """WITH sums AS (SELECT order_id, sum(amount) AS total FROM order_lines GROUP BY order_id)
        UPDATE orders SET total = sums.total FROM sums WHERE orders.id = sums.order_id"""),
    ("order_lines_check_swap", "ALTER TABLE order_lines ADD CONSTRAINT qty_range CHECK (qty BETWEEN 1 AND 10000) NOT VALID; ALTER TABLE order_lines DROP CONSTRAINT qty_positive; ALTER TABLE order_lines VALIDATE CONSTRAINT qty_range"),
    ("orders_rename_placed_at", "ALTER TABLE orders RENAME placed_at TO ordered_at; ALTER TABLE orders ADD CONSTRAINT orders_status CHECK (status IN ('new', 'paid', 'sent')); COMMENT ON COLUMN orders.ordered_at IS 'when the customer pressed the button'"),
    ("orders_swap", """LOCK TABLE orders, order_lines IN ACCESS EXCLUSIVE MODE;
        CREATE TABLE orders_new (id bigint GENERATED BY DEFAULT AS IDENTITY, account_id bigint NOT NULL, total numeric(12, 2) NOT NULL DEFAULT 0, status text NOT NULL DEFAULT 'new', ordered_at timestamptz DEFAULT now(), PRIMARY KEY (id));
        INSERT INTO orders_new SELECT id, account_id, coalesce(total, 0), coalesce(status, 'new'), ordered_at FROM orders;
        SELECT setval(pg_get_serial_sequence('orders_new', 'id'), (SELECT max(id) FROM orders_new) + 1000);
        ALTER TABLE order_lines DROP CONSTRAINT order_lines_order_id_fkey;
        ALTER TABLE orders RENAME TO orders_old; ALTER TABLE orders_new RENAME TO orders;
        ALTER INDEX orders_pkey RENAME TO orders_old_pkey; ALTER INDEX orders_new_pkey RENAME TO orders_pkey;
        ALTER TABLE order_lines ALTER order_id TYPE bigint;
        ALTER TABLE order_lines ADD FOREIGN KEY (order_id) REFERENCES orders ON DELETE CASCADE; ALTER TABLE orders ADD CONSTRAINT orders_account_fk FOREIGN KEY (account_id) REFERENCES accounts"""),
    ("orders_drop_old", "DROP TABLE orders_old"),
    ("soft_delete", """ALTER TABLE posts ADD deleted_at timestamptz; ALTER TABLE users ADD COLUMN IF NOT EXISTS deleted_at timestamptz;
        CREATE INDEX index_posts_alive ON posts (created_at) WHERE deleted_at IS NULL; UPDATE posts SET deleted_at = '2026-03-01' WHERE id BETWEEN 700 AND 720"""),
    ("view_alive_posts", "CREATE VIEW alive_posts AS SELECT id, user_id, title, status FROM posts WHERE deleted_at IS NULL; GRANT SELECT ON alive_posts TO shop_report"),
    ("view_alive_posts_replaced", "CREATE OR REPLACE VIEW alive_posts AS SELECT id, user_id, title, status, created_at FROM posts WHERE deleted_at IS NULL"),
    ("posts_title_text", """DROP VIEW alive_posts; ALTER TABLE posts ALTER title TYPE text; CREATE VIEW alive_posts AS SELECT p.id, p.title, u.username FROM posts p JOIN users u ON u.id = p.user_id WHERE p.deleted_at IS NULL;
        GRANT SELECT ON alive_posts TO shop_report"""),
    ("matview_post_counts", "CREATE MATERIALIZED VIEW post_counts AS SELECT user_id, count(*) AS posts, max(created_at) AS latest FROM posts GROUP BY user_id; CREATE UNIQUE INDEX post_counts_user ON post_counts (user_id)"),
    ("matview_refresh", ["REFRESH MATERIALIZED VIEW CONCURRENTLY post_counts"]),
    ("events_next_partition", "CREATE TABLE events_2026_04 PARTITION OF events FOR VALUES FROM ('2026-04-01') TO ('2026-05-01'); CREATE TABLE events_rest PARTITION OF events DEFAULT"),
    ("events_index", "CREATE INDEX events_kind ON events (kind, at)"),
    ("events_detach_oldest", "ALTER TABLE events DETACH PARTITION events_2026_01; ALTER TABLE events_2026_01 RENAME TO events_archive; COMMENT ON TABLE events_archive IS 'January'"),
    ("events_jsonb", "ALTER TABLE events ALTER payload TYPE jsonb USING payload::jsonb; ALTER TABLE events ADD source text DEFAULT 'web'"),
    ("events_drop_archive", "DROP TABLE events_archive"),
    ("events_attach_prepared", """DELETE FROM events WHERE at >= '2026-06-01'; LOCK TABLE events; DELETE FROM events_rest WHERE at >= '2026-06-01'; CREATE TABLE events_2026_06 (LIKE events INCLUDING DEFAULTS INCLUDING CONSTRAINTS); INSERT INTO events_2026_06 (id, at, kind) SELECT i + 900000, '2026-06-15', 'prepared' FROM generate_series(1, 50) i;
        ALTER TABLE events_2026_06 ADD CONSTRAINT in_june CHECK (at >= '2026-06-01' AND at < '2026-07-01'); ALTER TABLE events_2026_06 ADD PRIMARY KEY (id, at);
        ALTER TABLE events ATTACH PARTITION events_2026_06 FOR VALUES FROM ('2026-06-01') TO ('2026-07-01'); ALTER TABLE events_2026_06 DROP CONSTRAINT in_june"""),
    ("events_detach_default", "ALTER TABLE events DETACH PARTITION events_rest"),
    ("events_detach_concurrently", ["ALTER TABLE events DETACH PARTITION events_2026_02 CONCURRENTLY", "DROP TABLE events_2026_02"]),
    ("updated_at_triggers", """CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := clock_timestamp(); RETURN NEW; END $$;
        ALTER TABLE users ADD updated_at timestamptz; CREATE TRIGGER touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch(); CREATE TRIGGER touch BEFORE UPDATE ON posts FOR EACH ROW EXECUTE FUNCTION touch()"""),
    ("touch_replaced", "CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$ BEGIN NEW.updated_at := greatest(clock_timestamp(), OLD.updated_at); RETURN NEW; END $$"),
    ("audit", """CREATE TABLE audit_log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz DEFAULT clock_timestamp(), who name DEFAULT current_user, what text, row_data jsonb);
        CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$ BEGIN INSERT INTO audit_log (what, row_data) VALUES (TG_TABLE_NAME || ' ' || TG_OP, to_jsonb(NEW)); RETURN NULL; END $$;
        CREATE TRIGGER audit AFTER INSERT OR UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION audit()"""),
    ("accounts_settings", "ALTER TABLE accounts ADD settings jsonb NOT NULL DEFAULT '{}'; UPDATE accounts SET settings = jsonb_build_object('plan', plan)"),
    ("accounts_drop_plan", "ALTER TABLE accounts DROP COLUMN plan"),
    ("row_security", """ALTER TABLE orders ENABLE ROW LEVEL SECURITY; CREATE POLICY everything ON orders TO shop_app USING (true) WITH CHECK (true);
        CREATE POLICY report ON orders FOR SELECT TO shop_report USING (status <> 'new'); GRANT SELECT ON orders, accounts TO shop_report"""),
    ("trigram_extension", ["CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA extensions"]),
    ("trigram_index", ["CREATE INDEX CONCURRENTLY posts_title_trgm ON posts USING gin (title extensions.gin_trgm_ops)"]),
    ("posts_search", "ALTER TABLE posts ADD search tsvector GENERATED ALWAYS AS (to_tsvector('pg_catalog.simple', coalesce(title, '') || ' ' || left(coalesce(body, ''), 500))) STORED; CREATE INDEX posts_search ON posts USING gin (search)"),
    ("tags_to_identity", """ALTER TABLE tags ALTER id DROP DEFAULT; DROP SEQUENCE tags_id_seq; ALTER TABLE tags ALTER id TYPE bigint; ALTER TABLE tags ALTER id ADD GENERATED BY DEFAULT AS IDENTITY;
        SELECT setval(pg_get_serial_sequence('tags', 'id'), (SELECT max(id) FROM tags) + 500)"""),
    ("posts_tags_key", """DELETE FROM posts_tags a USING posts_tags b WHERE a.ctid < b.ctid AND a.post_id = b.post_id AND a.tag_id = b.tag_id; ALTER TABLE posts_tags ADD COLUMN id bigserial PRIMARY KEY;
        ALTER TABLE posts_tags ADD UNIQUE (post_id, tag_id); ALTER TABLE posts_tags REPLICA IDENTITY DEFAULT"""),
    ("users_uuid", "ALTER TABLE users ADD public_id uuid NOT NULL DEFAULT gen_random_uuid(); ALTER TABLE users ADD last_seen timestamptz DEFAULT clock_timestamp()"),
    ("users_uuid_unique", ["CREATE UNIQUE INDEX CONCURRENTLY users_public_id ON users (public_id)"]),
    ("profiles_split", """CREATE TABLE profiles (user_id int PRIMARY KEY REFERENCES users ON DELETE CASCADE, phone text, bio text DEFAULT ''); INSERT INTO profiles (user_id, phone) SELECT id, phone FROM users;
        ALTER TABLE users DROP COLUMN phone"""),
    ("tenant_everywhere", """DO $$ DECLARE t text; BEGIN FOREACH t IN ARRAY ARRAY['posts', 'comments', 'profiles', 'tags'] LOOP EXECUTE format('ALTER TABLE %I ADD tenant_id int NOT NULL DEFAULT 1', t);
        EXECUTE format('CREATE INDEX %I ON %I (tenant_id)', t || '_tenant', t); EXECUTE format('UPDATE %I SET tenant_id = 2 WHERE tenant_id = 1 AND ctid < ''(3,0)''', t); END LOOP; END $$"""),
    ("batches_in_procedure", ["""CREATE PROCEDURE number_posts() LANGUAGE plpgsql AS $$ DECLARE low int := 0; BEGIN ALTER TABLE posts ADD position int; COMMIT;
        WHILE low < 900 LOOP UPDATE posts SET position = id * 10 WHERE id > low AND id <= low + 300; low := low + 300; COMMIT; END LOOP; ALTER TABLE posts ALTER position SET DEFAULT 0; COMMIT; END $$""",
                              "CALL number_posts()", "DROP PROCEDURE number_posts()"]),
    ("schema_split", """CREATE SCHEMA billing; GRANT USAGE ON SCHEMA billing TO shop_app, shop_report; ALTER TABLE orders SET SCHEMA billing; ALTER TABLE order_lines SET SCHEMA billing;
        CREATE VIEW orders AS SELECT * FROM billing.orders; GRANT SELECT, INSERT, UPDATE, DELETE ON orders TO shop_app"""),
    ("invoices", """CREATE SEQUENCE billing.invoice_no START 1000 INCREMENT 10; CREATE DOMAIN billing.positive AS numeric(12, 2) CHECK (VALUE >= 0);
        CREATE TABLE billing.invoices (no bigint PRIMARY KEY DEFAULT nextval('billing.invoice_no'), order_id bigint UNIQUE REFERENCES billing.orders ON DELETE CASCADE, due date DEFAULT CURRENT_DATE, amount billing.positive, EXCLUDE USING btree (order_id WITH =));
        ALTER SEQUENCE billing.invoice_no OWNED BY billing.invoices.no; INSERT INTO billing.invoices (order_id, amount) SELECT id, total FROM billing.orders WHERE id % 3 = 0; GRANT SELECT, INSERT ON billing.invoices TO shop_app; GRANT USAGE ON SEQUENCE billing.invoice_no TO shop_app"""),
    ("invoices_composite", "CREATE TYPE billing.address AS (street text, city text); ALTER TABLE billing.invoices ADD sent_to billing.address DEFAULT ROW('none', 'nowhere'); ALTER TYPE billing.address ADD ATTRIBUTE country char(2) CASCADE"),
    ("view_orders_dropped", "DROP VIEW orders; ALTER TABLE billing.orders RENAME CONSTRAINT orders_account_fk TO orders_account_fkey"),
    ("posts_become_articles", """ALTER TABLE posts RENAME TO articles; ALTER SEQUENCE posts_id_seq RENAME TO articles_id_seq; ALTER INDEX posts_pkey RENAME TO articles_pkey; ALTER INDEX index_posts_on_user_id RENAME TO index_articles_on_user_id;
        ALTER TABLE articles RENAME CONSTRAINT posts_user_id_fkey TO articles_user_id_fkey; ALTER TYPE post_status RENAME TO article_status; CREATE VIEW posts AS SELECT id, user_id, title, body FROM articles; GRANT ALL ON posts TO shop_app"""),
    ("failed_and_repeated", ["BEGIN; ALTER TABLE articles ADD summary varchar(5); UPDATE articles SET summary = 'short'; ALTER TABLE articles ADD CONSTRAINT never CHECK (length(summary) < 5) NOT VALID; ROLLBACK",
                             "BEGIN; SAVEPOINT a; ALTER TABLE articles ADD summary int; UPDATE articles SET summary = 1 WHERE id < 100; ROLLBACK TO a; ALTER TABLE articles ADD summary text; UPDATE articles SET summary = left(body, 30) WHERE id < 300; COMMIT"]),
    ("temporary_work", """CREATE TEMPORARY TABLE work ON COMMIT DROP AS SELECT user_id, count(*) AS n FROM articles GROUP BY user_id; CREATE INDEX ON work (user_id); ALTER TABLE work ADD rank int;
        ALTER TABLE profiles ADD article_count int; UPDATE profiles p SET article_count = w.n FROM work w WHERE w.user_id = p.user_id"""),
    ("reporting", """CREATE SCHEMA reporting; CREATE VIEW reporting.accounts AS SELECT a.id, a.name, count(u.id) AS users FROM app.accounts a LEFT JOIN app.users u ON u.account_id = a.id GROUP BY a.id, a.name;
        CREATE TABLE reporting.snapshot AS SELECT status, count(*) AS n, random() AS r FROM articles GROUP BY status; ALTER TABLE reporting.snapshot REPLICA IDENTITY FULL;
        GRANT USAGE ON SCHEMA reporting TO shop_report; GRANT SELECT ON ALL TABLES IN SCHEMA reporting TO shop_report"""),
    ("reporting_refresh", "UPDATE reporting.snapshot SET n = n + 1; ALTER TABLE reporting.snapshot ADD at timestamptz DEFAULT clock_timestamp(); DROP MATERIALIZED VIEW post_counts; CREATE MATERIALIZED VIEW article_counts AS SELECT user_id, count(*) AS n FROM articles GROUP BY 1"),
    ("sessions_gone", "ALTER TABLE sessions ADD user_id int; ALTER TABLE sessions ALTER expires TYPE timestamptz; TRUNCATE sessions; DROP TABLE sessions CASCADE"),
    ("tags_key_swap", "ALTER TABLE tags ADD uid uuid DEFAULT gen_random_uuid() NOT NULL; ALTER TABLE tags DROP CONSTRAINT tags_pkey, ADD PRIMARY KEY (uid); ALTER TABLE tags RENAME id TO old_id"),
    ("statistics_and_storage", "CREATE STATISTICS users_stats (ndistinct) ON account_id, admin FROM users; ALTER TABLE articles SET (fillfactor = 80); ALTER TABLE articles ALTER body SET STORAGE EXTERNAL; ALTER TABLE users ALTER email SET STATISTICS 400"),
    ("foreign_key_rebuilt", "ALTER TABLE articles DROP CONSTRAINT articles_user_id_fkey, ADD CONSTRAINT articles_user_id_fkey FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE DEFERRABLE INITIALLY IMMEDIATE"),
    ("articles_published_at", """ALTER TABLE articles ADD published_at timestamptz; WITH published AS (UPDATE articles SET published_at = created_at WHERE status = 'published' RETURNING id, user_id)
        INSERT INTO audit_log (what, row_data) SELECT 'published', jsonb_build_object('articles', count(*)) FROM published"""),
    ("views_last", "DROP VIEW posts; DROP VIEW alive_posts; ALTER TABLE articles DROP COLUMN deleted_at; ALTER TABLE articles ADD archived boolean NOT NULL DEFAULT false; CREATE VIEW alive_articles WITH (security_barrier) AS SELECT * FROM articles WHERE NOT archived"),
    ("key_to_bigint", "DROP VIEW alive_articles; DROP MATERIALIZED VIEW article_counts; ALTER TABLE articles ALTER id TYPE bigint; ALTER SEQUENCE articles_id_seq AS bigint; ALTER TABLE comments ALTER post_id TYPE bigint; ALTER TABLE comments RENAME post_id TO article_id"),
    ("matview_again", "CREATE MATERIALIZED VIEW article_counts AS SELECT user_id, count(*) AS n FROM articles GROUP BY 1 WITH NO DATA; CREATE UNIQUE INDEX ON article_counts (user_id)"),
    ("default_privileges_revoked", "ALTER DEFAULT PRIVILEGES IN SCHEMA app REVOKE DELETE ON TABLES FROM shop_app; REVOKE DELETE ON accounts FROM shop_app; CREATE TABLE notes (id serial PRIMARY KEY, body text NOT NULL)"),
    ("comments_on_everything", "COMMENT ON SCHEMA app IS 'the application'; COMMENT ON TABLE users IS 'people'; COMMENT ON COLUMN users.email IS 'without case'; COMMENT ON FUNCTION touch() IS 'sets updated_at'; COMMENT ON INDEX posts_search IS NULL"),
]

LAST = "REFRESH MATERIALIZED VIEW article_counts"
