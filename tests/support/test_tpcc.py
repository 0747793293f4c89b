# Rules that hold on the source only by luck, or that half a transaction does not break, would say nothing about a target.
from walbridge_testing import tpcc
from walbridge_testing.waiting import wait_until


def broken(database):
    with database.connect() as connection, connection.cursor() as cursor:
        return set(tpcc.broken_rules(cursor))


def test_the_rules_hold_under_load_and_break_with_half_a_transaction(pair):
    pair.source.psql(tpcc.SCHEMA + tpcc.fill(2))
    assert broken(pair.source) == set()
    with tpcc.Terminals(pair.source) as terminals:
        wait_until(lambda: terminals.transactions > 150, 30)
        assert broken(pair.source) == set()
    assert broken(pair.source) == set() and pair.source.scalar("SELECT count(*) FROM orders WHERE o_carrier_id IS NOT NULL") > 0
    for half in ("UPDATE warehouse SET w_ytd = w_ytd + 1 WHERE w_id = 1", "DELETE FROM orders WHERE (o_w_id, o_d_id, o_id) = (1, 1, 1)", "DELETE FROM order_line WHERE ol_number = 1",
                 "UPDATE orders SET o_carrier_id = NULL WHERE o_carrier_id IS NOT NULL", "DELETE FROM history"):
        with pair.source.connect() as connection, connection.cursor() as cursor:
            cursor.execute(half)
            assert tpcc.broken_rules(cursor), half
            connection.rollback()
