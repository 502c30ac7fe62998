"""What an operator learns of the server: observations, metrics, log lines, and no secrets in any of them."""

import json
import logging
from collections.abc import Iterator

import pytest

from core.database import Database
from core.observing import Observation, listen, observed
from core.settings import Settings
from dashboard.observability.log_format import JsonFormatter
from dashboard.observability.metrics import Metrics
from dashboard.observability.recent import Recent
from dashboard.observability.request_ids import route_of


@pytest.fixture
def heard() -> Iterator[list[Observation]]:
    found: list[Observation] = []
    end = listen(found.append)
    yield found
    end()


def test_observations_tell_time_and_error_and_end_with_their_listener() -> None:
    found: list[Observation] = []
    end = listen(found.append)
    with observed("query", "marts/sales_daily"):
        pass
    with pytest.raises(ValueError, match="bad"), observed("view", "revenue"):
        raise ValueError("bad")
    end()
    with observed("query", "unheard"):
        pass
    assert [(one.kind, one.name, one.error) for one in found] == [
        ("query", "marts/sales_daily", ""), ("view", "revenue", "ValueError"),
    ]  # fmt: skip
    assert all(one.seconds >= 0 for one in found)


def test_queries_are_observed_by_file_and_typed_ones_together(
    demo_database: Database, heard: list[Observation]
) -> None:
    demo_database.query("operations/last_load")
    demo_database.query("SELECT COUNT(*) AS n FROM orders")
    assert [one.name for one in heard if one.kind == "query"] == ["operations/last_load", "typed"]


def test_metrics_are_counted_by_few_names() -> None:
    metrics = Metrics()
    for path in ("/static/a.js", "/static/b.js", "/whatever/123", "/embed/revenue", "/"):
        metrics.answered(route_of(path), "GET", 200, 0.01)
    metrics.answered("page", "PROPFIND", 500, 0.02)
    metrics.observe(Observation("query", "typed", 0.2, "QueryError"))
    metrics.late(0.03)
    metrics.late(0.01)
    metrics.read_from("sales_answer", "A reading.", ("of",), lambda: [(("all",), 42.0)])
    text = metrics.exposition().decode()
    assert 'sales_http_request_seconds_count{method="GET",route="static",status="200"} 2.0' in text
    assert 'sales_http_request_seconds_count{method="GET",route="other",status="200"} 1.0' in text
    assert 'sales_http_request_seconds_count{method="other",route="page",status="500"} 1.0' in text
    assert 'sales_query_seconds_count{query="typed"} 1.0' in text
    assert 'sales_errors_total{error="QueryError",source="query"} 1.0' in text
    assert "sales_event_loop_lag_worst_seconds 0.03" in text
    assert 'sales_answer{of="all"} 42.0' in text
    assert "process_resident_memory_bytes" in text


def test_what_is_kept_is_bounded_and_without_secrets() -> None:
    recent = Recent()
    log = logging.getLogger("test.recent")
    log.propagate = False
    log.addHandler(recent)
    try:
        for number in range(60):
            log.warning("attempt %d with password=hunter2", number)
        log.info("not kept")
    finally:
        log.removeHandler(recent)
    kept = recent.errors()
    assert len(kept) == 50
    assert kept[0].message == "attempt 59 with password=***"
    for number in range(1000):
        recent.observe(Observation("query", f"q{number}", 0.001 * number))
    timings = recent.timings("query")
    assert len(timings) == 401
    assert timings[0].name == "others"
    assert sum(timing.count for timing in timings) == 1000


def test_a_json_line_holds_what_a_log_store_needs() -> None:
    record = logging.LogRecord("dashboard.view", logging.ERROR, __file__, 1, "view %s failed", ("a",), None)
    record.route = "page"
    line = json.loads(JsonFormatter().format(record))
    assert line["message"] == "view a failed"
    assert (line["level"], line["logger"], line["route"]) == ("ERROR", "dashboard.view", "page")
    assert line["time"].endswith("Z")
    assert "request_id" not in line


def test_the_token_of_metrics_is_a_secret() -> None:
    assert "s3cret" not in repr(Settings(metrics_token="s3cret"))
