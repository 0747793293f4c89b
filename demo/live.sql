\set product random(1, 1000)
\set customer random(1, 5000)
\set a random(1, 100)
\set b random(1, 100)
BEGIN;
INSERT INTO shop.purchase (placed, customer, sku, weight) VALUES (date '2024-01-01' + :product % 700, :customer, 'SKU-' || :product, :a / 3.0);
UPDATE shop.product SET price = price + 0.01, tags = tags || ARRAY['t' || :a] WHERE sku = 'SKU-' || :product AND cardinality(tags) < 30;
UPDATE shop.customer SET properties = properties || hstore('seen', :product::text) WHERE id = :customer;
UPDATE shop.playlist SET position = position + 1000 WHERE id IN (:a, :b);
UPDATE shop.playlist p SET position = q.position - 1000 FROM shop.playlist q
 WHERE p.id IN (:a, :b) AND q.id IN (:a, :b) AND (p.id <> q.id OR :a = :b);
COMMIT;
UPDATE shop.purchase SET placed = date '2024-01-01' + (placed - date '2024-01-01' + 365) % 700, state = 'sent', history = history || shop.order_state 'sent'
 WHERE id = :product AND cardinality(history) < 20;
DELETE FROM shop.visit WHERE ctid = (SELECT ctid FROM shop.visit WHERE who = :a LIMIT 1);
INSERT INTO shop.visit VALUES (now(), '/p/' || :b, :a), (now(), '/p/' || :b, NULL);
BEGIN;
SAVEPOINT s;
UPDATE shop.product SET manual = 'never' WHERE sku = 'SKU-' || :product;
ROLLBACK TO SAVEPOINT s;
UPDATE "Sales Archive"."Größe & Maße" SET span = span + interval '1 day' WHERE net = '10.0.0.0'::inet + :product;
COMMIT;
