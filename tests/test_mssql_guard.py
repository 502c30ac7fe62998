"""Typed T-SQL: what may never pass, and what people do type."""

import pytest
from tsql_attacks import ATTACKS

from core.sql_guard import StatementError, check_statement


@pytest.mark.parametrize("sql", ATTACKS)
def test_attacks_are_refused_with_a_reason(sql: str) -> None:
    with pytest.raises(StatementError) as caught:
        check_statement(sql, "tsql")
    assert caught.value.message


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT TOP 10 * FROM orders ORDER BY orderDate DESC",
        "SELECT TOP (5) WITH TIES status, COUNT(*) AS n FROM dbo.orders GROUP BY status ORDER BY n DESC",
        "SELECT YEAR(orderDate) AS y, FORMAT(orderDate, 'yyyy') AS f FROM orders",
        "SELECT c.country, SUM(s.amount) AS revenue FROM stg_sales AS s"
        " INNER JOIN stg_customers AS c ON c.customer_id = s.customer_id GROUP BY c.country",
        "SELECT * FROM (SELECT ROW_NUMBER() OVER (ORDER BY orderNumber) AS n FROM orders) AS t WHERE n < 5",
        "SELECT o.orderNumber, x.n FROM orders AS o CROSS APPLY (SELECT COUNT(*) AS n FROM orderdetails AS d"
        " WHERE d.orderNumber = o.orderNumber) AS x",
        "SELECT TRY_CAST(status AS INT), ISNULL(comments, N'none'), DATEDIFF(DAY, orderDate, shippedDate)"
        " FROM [orders] WHERE orderDate >= :since",
        "SELECT STRING_AGG(status, ', ') WITHIN GROUP (ORDER BY status) AS all_of_them FROM orders",
        "SELECT status FROM orders UNION ALL SELECT N'; DROP TABLE orders' AS status",
        "SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES",
    ],
)
def test_what_people_type_is_accepted(sql: str) -> None:
    assert check_statement(sql, "tsql").text == sql
