"""A load in the manner of TPC-C: orders, payments and deliveries in a few warehouses, and what is true of it in every snapshot.

The rules of a snapshot are plain SQL that both PostgreSQL and MySQL understand: a target that shows half a transaction breaks them.
"""
import random
import threading

import psycopg2

DISTRICTS, CUSTOMERS, ITEMS = 10, 30, 200

SCHEMA = """
CREATE TABLE warehouse (w_id int PRIMARY KEY, w_name varchar(10), w_tax numeric(4,4), w_ytd numeric(12,2));
CREATE TABLE district (d_w_id int, d_id int, d_name varchar(10), d_tax numeric(4,4), d_ytd numeric(12,2), d_next_o_id int, PRIMARY KEY (d_w_id, d_id));
CREATE TABLE customer (c_w_id int, c_d_id int, c_id int, c_last varchar(16), c_credit char(2), c_balance numeric(12,2), c_ytd_payment numeric(12,2), c_payment_cnt int,
    c_delivery_cnt int, c_since timestamptz, c_data text, PRIMARY KEY (c_w_id, c_d_id, c_id));
CREATE INDEX customer_last ON customer (c_w_id, c_d_id, c_last);
CREATE TABLE history (h_c_id int, h_d_id int, h_w_id int, h_date timestamptz, h_amount numeric(6,2), h_data varchar(24));
ALTER TABLE history REPLICA IDENTITY FULL;
CREATE TABLE new_order (no_w_id int, no_d_id int, no_o_id int, PRIMARY KEY (no_w_id, no_d_id, no_o_id));
CREATE TABLE orders (o_w_id int, o_d_id int, o_id int, o_c_id int, o_entry_d timestamptz, o_carrier_id int, o_ol_cnt int, PRIMARY KEY (o_w_id, o_d_id, o_id));
CREATE TABLE order_line (ol_w_id int, ol_d_id int, ol_o_id int, ol_number int, ol_i_id int, ol_delivery_d timestamptz, ol_quantity int, ol_amount numeric(8,2), ol_dist_info char(24),
    PRIMARY KEY (ol_w_id, ol_d_id, ol_o_id, ol_number));
CREATE TABLE item (i_id int PRIMARY KEY, i_name varchar(24), i_price numeric(5,2), i_data varchar(50));
CREATE TABLE stock (s_w_id int, s_i_id int, s_quantity int, s_ytd numeric(10,0), s_order_cnt int, s_data varchar(50), PRIMARY KEY (s_w_id, s_i_id));
"""

# What holds whenever a transaction has ended: each statement returns the rows that break it.
RULES = {
    "what warehouses and their districts took in is the same":
        "SELECT w_id, w_ytd, (SELECT sum(d_ytd) FROM district WHERE d_w_id = w_id) AS districts FROM warehouse WHERE w_ytd <> (SELECT sum(d_ytd) FROM district WHERE d_w_id = w_id)",
    "the next order follows the last":
        "SELECT d_w_id, d_id, d_next_o_id FROM district WHERE d_next_o_id <> 1 + coalesce((SELECT max(o_id) FROM orders WHERE o_w_id = d_w_id AND o_d_id = d_id), 0)",
    "an order has all of its lines":
        "SELECT o_w_id, o_d_id, o_id, o_ol_cnt FROM orders WHERE o_ol_cnt <> (SELECT count(*) FROM order_line WHERE ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id)",
    "a line belongs to an order":
        "SELECT ol_w_id, ol_d_id, ol_o_id, ol_number FROM order_line WHERE NOT EXISTS (SELECT 1 FROM orders WHERE o_w_id = ol_w_id AND o_d_id = ol_d_id AND o_id = ol_o_id)",
    "an order is new until it has a carrier":
        "SELECT o_w_id, o_d_id, o_id, o_carrier_id FROM orders WHERE (o_carrier_id IS NULL) <> EXISTS (SELECT 1 FROM new_order WHERE no_w_id = o_w_id AND no_d_id = o_d_id AND no_o_id = o_id)",
    "payments are in the history":
        "SELECT w_id, w_ytd FROM warehouse WHERE w_ytd <> 300000 + coalesce((SELECT sum(h_amount) FROM history WHERE h_w_id = w_id), 0)",
}


def fill(warehouses):
    return f"""
INSERT INTO item SELECT i, 'item ' || i, 1 + i % 100, md5(i::text) FROM generate_series(1, {ITEMS}) i;
INSERT INTO warehouse SELECT w, 'w' || w, 0.05, 300000 FROM generate_series(1, {warehouses}) w;
INSERT INTO district SELECT w, d, 'd' || d, 0.1, 30000, 1 FROM generate_series(1, {warehouses}) w, generate_series(1, {DISTRICTS}) d;
INSERT INTO customer SELECT w, d, c, 'last ' || c % 10, CASE WHEN c % 10 = 0 THEN 'BC' ELSE 'GC' END, -10, 10, 1, 0, now(), repeat('customer data ', 10)
  FROM generate_series(1, {warehouses}) w, generate_series(1, {DISTRICTS}) d, generate_series(1, {CUSTOMERS}) c;
INSERT INTO stock SELECT w, i, 50, 0, 0, md5(i::text) FROM generate_series(1, {warehouses}) w, generate_series(1, {ITEMS}) i;
"""


def broken_rules(cursor):
    """{rule: rows that break it}, each judged by one statement and so in one snapshot."""
    found = {}
    for rule, statement in RULES.items():
        cursor.execute(statement)
        if rows := cursor.fetchall():
            found[rule] = rows[:5]
    return found


class Terminals:
    """`with Terminals(database, warehouses):` count clients that order, pay and deliver until the block is left. A server that goes away is
    met by connecting again; any other error is raised at the end."""

    def __init__(self, database, warehouses=2, count=2, seed=1, pause=0.002):
        self.database, self.warehouses, self.pause = database, warehouses, pause
        self.stopping = threading.Event()
        self.errors = []
        self.transactions = 0
        self.threads = [threading.Thread(target=self._run, args=(random.Random(f"{seed}/{i}"),), daemon=True) for i in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, *exception):
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)
        if kind is None and self.errors:
            raise self.errors[0]

    def _run(self, rng):
        connection = None
        while not self.stopping.is_set():
            try:
                if connection is None:
                    connection = self.database.connect()
                with connection.cursor() as cursor:
                    keep = rng.choices((self.order, self.pay, self.deliver), (45, 43, 12))[0](cursor, rng)
                    (connection.commit if keep else connection.rollback)()
                self.transactions += 1
            except psycopg2.errors.DeadlockDetected:
                connection.rollback()
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                connection = None
                self.stopping.wait(0.1)
            except Exception as error:
                self.errors.append(error)
                return
            self.stopping.wait(self.pause * rng.random())
        if connection is not None:
            connection.close()

    def _place(self, rng):
        return rng.randint(1, self.warehouses), rng.randint(1, DISTRICTS), rng.randint(1, CUSTOMERS)

    def order(self, cursor, rng):
        """Every hundredth ends with an item that does not exist, and is rolled back."""
        w, d, c = self._place(rng)
        cursor.execute("UPDATE district SET d_next_o_id = d_next_o_id + 1 WHERE d_w_id = %s AND d_id = %s RETURNING d_next_o_id - 1", (w, d))
        number, lines = cursor.fetchone()[0], rng.randint(3, 8)
        cursor.execute("INSERT INTO orders VALUES (%s, %s, %s, %s, clock_timestamp(), NULL, %s)", (w, d, number, c, lines))
        cursor.execute("INSERT INTO new_order VALUES (%s, %s, %s)", (w, d, number))
        for line, item in enumerate(sorted(rng.sample(range(1, ITEMS + 1), lines)), 1):
            quantity = rng.randint(1, 10)
            cursor.execute("UPDATE stock SET s_quantity = CASE WHEN s_quantity > %s + 10 THEN s_quantity - %s ELSE s_quantity - %s + 91 END, s_ytd = s_ytd + %s, s_order_cnt = s_order_cnt + 1 "
                           "WHERE s_w_id = %s AND s_i_id = %s", (quantity, quantity, quantity, quantity, w, item))
            cursor.execute("INSERT INTO order_line SELECT %s, %s, %s, %s, i_id, NULL, %s, i_price * %s, left(md5(i_id::text), 24) FROM item WHERE i_id = %s",
                           (w, d, number, line, quantity, quantity, item))
        return rng.random() >= 0.01

    def pay(self, cursor, rng):
        w, d, c = self._place(rng)
        amount = f"{rng.randint(1, 4999)}.{rng.randint(0, 99):02}"
        cursor.execute("UPDATE warehouse SET w_ytd = w_ytd + %s WHERE w_id = %s", (amount, w))
        cursor.execute("UPDATE district SET d_ytd = d_ytd + %s WHERE d_w_id = %s AND d_id = %s", (amount, w, d))
        cursor.execute("UPDATE customer SET c_balance = c_balance - %s, c_ytd_payment = c_ytd_payment + %s, c_payment_cnt = c_payment_cnt + 1, "
                       "c_data = CASE WHEN c_credit = 'BC' THEN left(c_id || ' ' || %s || '|' || c_data, 500) ELSE c_data END WHERE c_w_id = %s AND c_d_id = %s AND c_id = %s",
                       (amount, amount, amount, w, d, c))
        cursor.execute("INSERT INTO history VALUES (%s, %s, %s, clock_timestamp(), %s, %s)", (c, d, w, amount, f"w{w}    d{d}"))
        return True

    def deliver(self, cursor, rng):
        w, carrier = rng.randint(1, self.warehouses), rng.randint(1, 10)
        for d in range(1, DISTRICTS + 1):
            cursor.execute("DELETE FROM new_order WHERE (no_w_id, no_d_id, no_o_id) = (SELECT no_w_id, no_d_id, no_o_id FROM new_order WHERE no_w_id = %s AND no_d_id = %s "
                           "ORDER BY no_o_id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING no_o_id", (w, d))
            if not (row := cursor.fetchone()):
                continue
            cursor.execute("UPDATE orders SET o_carrier_id = %s WHERE o_w_id = %s AND o_d_id = %s AND o_id = %s RETURNING o_c_id", (carrier, w, d, row[0]))
            customer = cursor.fetchone()[0]
            cursor.execute("UPDATE order_line SET ol_delivery_d = clock_timestamp() WHERE ol_w_id = %s AND ol_d_id = %s AND ol_o_id = %s", (w, d, row[0]))
            cursor.execute("UPDATE customer SET c_balance = c_balance + (SELECT sum(ol_amount) FROM order_line WHERE ol_w_id = %s AND ol_d_id = %s AND ol_o_id = %s), "
                           "c_delivery_cnt = c_delivery_cnt + 1 WHERE c_w_id = %s AND c_d_id = %s AND c_id = %s", (w, d, row[0], w, d, customer))
        return True
