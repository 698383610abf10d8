"""The python step of shop.yaml."""


def build(connection, context):
    """Make the one table of the step: the customers by revenue."""
    (table,) = context.tables
    connection.execute(
        f"CREATE TABLE {table} AS SELECT name, rank() OVER (ORDER BY revenue DESC)::INTEGER AS place FROM revenue"
    )
