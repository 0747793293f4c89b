-- What a deployment does to a database in use: new tables, rewritten ones, an index built beside the traffic. walbridge runs every
-- statement on the target at its place among the rows, in the source's transaction, with the source's values.
BEGIN;
CREATE TABLE shop.warehouse (code text PRIMARY KEY, city text NOT NULL, opened timestamptz NOT NULL DEFAULT now());
INSERT INTO shop.warehouse (code, city) SELECT 'W' || n, 'city ' || n FROM generate_series(1, 50) n;
ALTER TABLE shop.product ADD COLUMN warehouse text NOT NULL DEFAULT 'W1' REFERENCES shop.warehouse;
ALTER TABLE shop.product ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();      -- a value of its own for every row
UPDATE shop.product SET warehouse = 'W' || 1 + length(sku) % 50;
COMMENT ON COLUMN shop.product.token IS 'given out at the deployment, equal on both sides';
COMMIT;

ALTER TYPE shop.order_state ADD VALUE 'lost' AFTER 'sent';
BEGIN;
ALTER TABLE shop.visit RENAME COLUMN page TO address;
ALTER TABLE shop.visit RENAME COLUMN address TO page;
COMMIT;
ALTER TABLE shop.playlist ALTER COLUMN position TYPE bigint;

DO $$
BEGIN
    FOR year IN 2026..2028 LOOP
        EXECUTE format('CREATE TABLE shop.purchase_%s PARTITION OF shop.purchase FOR VALUES FROM (%L) TO (%L)',
                       year, make_date(year, 1, 1), make_date(year + 1, 1, 1));
    END LOOP;
END $$;

CREATE FUNCTION shop.open_orders(bigint) RETURNS bigint LANGUAGE sql STABLE
    RETURN (SELECT count(*) FROM shop.purchase WHERE customer = $1 AND state = 'new');
CREATE VIEW shop.busy AS SELECT id, name, shop.open_orders(id) AS open FROM shop.customer WHERE shop.open_orders(id) > 2;
CREATE INDEX CONCURRENTLY product_by_price ON shop.product (price) WHERE price > 100;
