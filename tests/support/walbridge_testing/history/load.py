"""The application under load: workers that write as the versions before and after each step would. A version whose shape is not there (yet,
any more) gets an error from the source, as it would in a deployment, and the worker goes on with something else."""
import random
import threading

import psycopg2

OLD_AND_NEW = [
    "INSERT INTO users (account_id, login, email, first_name, last_name) VALUES ({account}, 'u{fresh}', 'u{fresh}@x', 'First', 'Last')",
    "INSERT INTO users (account_id, username, email, full_name) VALUES ({account}, 'u{fresh}', 'u{fresh}@x', 'Some One')",
    "UPDATE users SET admin = NOT admin WHERE id = {user}",
    "UPDATE users SET phone = '{fresh}' WHERE id = {user}",
    "UPDATE users SET last_seen = clock_timestamp(), deleted_at = NULL WHERE id = {user}",
    "INSERT INTO posts (user_id, title, body) VALUES ({user}, 'Title {fresh}', repeat('text ', {size}))",
    "INSERT INTO articles (user_id, title, body, status) VALUES ({user}, 'Title {fresh}', repeat('text ', {size}), 'draft')",
    "UPDATE posts SET status = 'published', updated_at = now() WHERE id = {post}",
    "UPDATE posts SET title = title || '.' WHERE id BETWEEN {post} AND {post} + 3",
    "UPDATE articles SET body = body || '.', status = 'archived' WHERE id = {post}",
    "UPDATE articles SET title = upper(title) WHERE id = {post}",
    "DELETE FROM posts WHERE id = {post} AND id > 800",
    "INSERT INTO comments (commentable_type, commentable_id, user_id, body) VALUES ('Post', {post}, {user}, 'old {fresh}')",
    "INSERT INTO comments (post_id, user_id, body) VALUES ({post}, {user}, 'new {fresh}')",
    "INSERT INTO comments (article_id, user_id, body) VALUES ({post}, {user}, 'newer {fresh}')",
    "DELETE FROM comments WHERE id = {post}",
    "INSERT INTO posts_tags (post_id, tag_id) VALUES ({post}, {tag})",
    "DELETE FROM posts_tags WHERE post_id = {post}",
    "UPDATE tags SET name = 'tag {fresh}' WHERE id = {tag}",
    "UPDATE tags SET name = 'tag {fresh}' WHERE old_id = {tag}",
    "WITH o AS (INSERT INTO orders (account_id, total) VALUES ({account}, 0) RETURNING id) INSERT INTO order_lines (order_id, line_no, sku, qty, price) SELECT id, g, 'sku', g, 9.99 FROM o, generate_series(1, 3) g",
    "WITH o AS (INSERT INTO billing.orders (account_id) VALUES ({account}) RETURNING id) INSERT INTO billing.order_lines (order_id, line_no, sku, qty, price) SELECT id, g, 'sku', g, 9.99 FROM o, generate_series(1, 3) g",
    "UPDATE orders SET status = 'paid', total = total + 1 WHERE id = {post}",
    "UPDATE order_lines SET qty = qty + 1 WHERE order_id = {post}",
    "DELETE FROM orders WHERE id = {post} AND id % 7 = 0",
    "UPDATE billing.order_lines SET price = price + 1 WHERE order_id = {post}",
    "INSERT INTO billing.invoices (order_id, amount) SELECT id, total FROM billing.orders WHERE id = {post} ON CONFLICT DO NOTHING",
    "INSERT INTO events (at, kind, payload) VALUES ('2026-0{month}-10', 'click', '{\"n\": {fresh}}')",
    "UPDATE events SET kind = 'seen' WHERE id = {post}",
    "UPDATE events SET at = '2026-0{month}-11' WHERE id = {post}",
    "UPDATE accounts SET name = 'account {fresh}' WHERE id = {account}",
    "INSERT INTO accounts (name, plan) VALUES ('new {fresh}', 'free')",
    "UPDATE accounts SET settings = settings || '{\"seen\": {fresh}}' WHERE id = {account}",
    "INSERT INTO sessions VALUES ('s{fresh}', '\\x00', now())",
    "UPDATE profiles SET bio = bio || 'x' WHERE user_id = {user}",
    "INSERT INTO notes (body) VALUES ('note {fresh}')",
]


class Load:
    def __init__(self, database, seed, count=2, pause=0.01):
        self.database, self.pause = database, pause
        self.stopping = threading.Event()
        self.errors, self.written, self.refused = [], 0, 0
        self.threads = [threading.Thread(target=self._run, args=(random.Random(f"{seed}/{i}"), i), daemon=True) for i in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exception):
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)
        if exception[0] is None and self.errors:
            raise self.errors[0]

    def _run(self, rng, number):
        try:
            connection = self.database.connect(user="shop_app", options="-c search_path=app")
            fresh = 1_000_000 * (number + 1)
            not_now = {}        # statements of a version whose shape was not there lately
            while not self.stopping.is_set():
                try:
                    with connection.cursor() as cursor:
                        for _ in range(rng.choice((1, 1, 2, 4))):
                            fresh += 1
                            statement = rng.choice([s for s in OLD_AND_NEW if not_now.get(s, 0) < fresh])
                            cursor.execute(self._with_values(statement, rng, fresh))
                    (connection.rollback if rng.random() < 0.04 else connection.commit)()
                    self.written += 1
                except psycopg2.Error as error:      # another version's shape, a constraint, a deadlock with the migration
                    connection.rollback()
                    if (error.pgcode or "").startswith("42"):
                        not_now[statement] = fresh + rng.randrange(20, 60)
                    self.refused += 1
                self.stopping.wait(self.pause * rng.random())
            connection.close()
        except Exception as error:
            self.errors.append(error)

    @staticmethod
    def _with_values(statement, rng, fresh):
        values = {"account": rng.randrange(1, 60), "user": rng.randrange(1, 400), "post": rng.randrange(1, 900), "tag": rng.randrange(1, 40),
                  "month": rng.randrange(1, 7), "size": rng.choice((1, 20, 3000)), "fresh": fresh}
        for name, value in values.items():
            statement = statement.replace("{" + name + "}", str(value))
        return statement
