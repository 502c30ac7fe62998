"""Recommendations as marketing uses them: a campaign from product line to list, file and customer."""

import csv
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Locator, Page, expect

from core.database import Database
from core.predictions import dates_scored, scores_on
from tests.conftest import RunningServer

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
PATIENT = 30_000
LINE = "Classic Cars"


def card(page: Page, title: str) -> Locator:
    """The visible card whose title starts with ``title``."""
    return page.locator(f'section.sd-card[aria-label^="{title}"]:visible')


def chooser(page: Page, label: str) -> Locator:
    """The select with this label."""
    return page.locator(f'label.field:has(span.label:text-is("{label}")) select')


def opened(watched: Open, server: RunningServer, query: str, **size: int) -> Page:
    """The page with its first card drawn."""
    page = watched(f"{server.url}/?page=recommendations{query}", **size)
    expect(page.locator("section.sd-card:visible").first).to_have_attribute(
        "data-state", "ready", timeout=PATIENT
    )
    return page


def exported(page: Page, title: str, folder: Path) -> list[dict[str, str]]:
    """The rows of the list's CSV file."""
    with page.expect_download(timeout=PATIENT) as waiting:
        card(page, title).get_by_role("button", name="Export CSV").click()
    file = folder / "list.csv"
    waiting.value.save_as(file)
    with file.open(encoding="utf-8-sig", newline="") as rows:
        return list(csv.DictReader(rows))


def test_marketing_goes_from_a_product_line_to_a_customer(
    watched: Open, predicted_server: RunningServer, predicted_database: Database, tmp_path: Path
) -> None:
    page = opened(watched, predicted_server, "&tab=campaign")
    chooser(page, "Offer").select_option(f"line:{LINE}")
    expect(page.get_by_text(f"Products of {LINE}.")).to_be_visible(timeout=PATIENT)
    page.wait_for_url("**offer=line*")

    people = card(page, "Whom to offer it to")
    rows = exported(page, "Whom to offer it to", tmp_path)
    expect(people.locator(".foot span")).to_contain_text(f"of {len(rows):,}")
    known = scores_on(predicted_database, "recommend")
    products = predicted_database.query("models/products")
    assert known is not None
    of_line = products.filter(pl.col("product_line") == LINE)
    wanted = known.frame.filter(pl.col("product_id").is_in(of_line["product_id"].implode()))
    assert {row["key"] for row in rows} == set(wanted["customer_id"].cast(pl.String))
    names = set(of_line["product_name"])
    assert {name for row in rows for name in row["Offer"].split("; ")} <= names

    first = rows[0]
    product = first["Offer"].split("; ")[0]
    people.locator("tbody button.link").first.click()
    expect(page.get_by_role("heading", name=first["Customer"])).to_be_visible(timeout=PATIENT)
    offers = card(page, "Buy again" if first["Kind"] == "buy again" else "New for you")
    offers.get_by_role("searchbox").fill(product)
    line = offers.locator("tbody tr").filter(has_text=product)
    expect(line).to_contain_text(first["Why"], timeout=PATIENT)

    page.go_back()
    expect(chooser(page, "Offer")).to_have_value(f"line:{LINE}", timeout=PATIENT)


def test_margins_and_stock_change_the_campaign(
    watched: Open, predicted_server: RunningServer, tmp_path: Path
) -> None:
    page = opened(watched, predicted_server, "&tab=campaign&by=profit&stock=lasts&most=1")
    rows = exported(page, "Whom to offer it to", tmp_path)
    profits = [float(row["Profit"]) for row in rows if row["Profit"]]
    assert profits == sorted(profits, reverse=True)
    assert {row["Stock"] for row in rows} <= {"enough", ""}
    assert not any("; " in row["Offer"] for row in rows)
    states = card(page, "Expected pieces against stock").locator("tbody tr td:last-child")
    expect(states.first).to_be_visible(timeout=PATIENT)
    assert "short" not in states.all_inner_texts()


def test_a_past_date_shows_what_was_recommended_and_bought(
    watched: Open, predicted_server: RunningServer, predicted_database: Database
) -> None:
    day = dates_scored(predicted_database, "recommend")[0]
    page = opened(watched, predicted_server, f"&tab=campaign&as_of={day}")
    expect(page.locator('.figure[data-key="purchases"] .note')).to_have_text(
        f"{hits(predicted_database, day)} were bought.", timeout=PATIENT
    )
    page.get_by_role("tab", name="Customers").click()
    expect(card(page, "What they bought after")).to_have_attribute("data-state", "ready", timeout=PATIENT)
    expect(card(page, "Buy again").locator("tbody tr").first).to_contain_text("bought")
    page.get_by_role("tab", name="Quality").click()
    then = card(page, "Recommended then, bought after").locator("tbody td").first
    expect(then).to_have_text(str(day), timeout=PATIENT)


def hits(database: Database, day: object) -> str:
    """How many of the offers of a campaign with all products were bought, counted another way."""
    from core.filters import SalesFilters
    from core.predictions.people import with_customers
    from core.predictions.recommendations import campaign_offers, offers, product_facts
    from core.sales_data import load_sales

    found = scores_on(database, "recommend", day)  # type: ignore[arg-type]
    assert found is not None
    sales = load_sales(database, found.as_of)
    offered = offers(with_customers(found.frame, sales, SalesFilters()), product_facts(sales))
    kept = campaign_offers(offered.with_columns(bought=pl.lit(None, pl.Boolean)))
    after = database.query(
        "SELECT DISTINCT customer_id, product_id FROM stg_sales WHERE is_cancelled = 0 AND quantity > 0 "
        "AND order_day >= :first AND order_day < :first + 90",
        first=(found.as_of - type(found.as_of)(1970, 1, 1)).days,
    )
    return f"{kept.join(after, on=['customer_id', 'product_id'], how='semi').height:,}"


def test_a_product_leads_to_others_and_to_a_campaign(watched: Open, predicted_server: RunningServer) -> None:
    page = opened(watched, predicted_server, "&tab=products")
    also = card(page, "Customers also bought")
    link = also.locator("tbody button.link").first
    name = link.inner_text()
    link.click()
    expect(card(page, f"Customers also bought: {name}")).to_be_visible(timeout=PATIENT)
    page.wait_for_url("**item=*")
    page.get_by_role("button", name="Whom to offer it to").click()
    expect(page.get_by_text(f"{name}. Predicted on")).to_be_visible(timeout=PATIENT)


def test_a_filter_on_customers_keeps_theirs(watched: Open, predicted_server: RunningServer) -> None:
    page = opened(watched, predicted_server, "&tab=campaign&country=France&period=2025-01-01..2025-06-30")
    people = card(page, "Whom to offer it to")
    expect(people).to_contain_text("Not filtered by period.")
    everyone = opened(watched, predicted_server, "&tab=campaign")
    few, all_of_them = (
        int(shown.locator(".foot span").inner_text().split("of ")[1].replace(",", ""))
        for shown in (people, card(everyone, "Whom to offer it to"))
    )
    assert 0 < few < all_of_them


@pytest.mark.parametrize("tab", ["customers", "campaign", "products", "quality"])
def test_every_chapter_fits_a_phone(watched: Open, predicted_server: RunningServer, tab: str) -> None:
    page = opened(watched, predicted_server, f"&tab={tab}", width=390, height=844)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_genuine_company_without_a_model_says_so(watched: Open, genuine_server: RunningServer) -> None:
    page = watched(genuine_server.url + "/?page=recommendations&tab=campaign")
    expect(page.get_by_text("No model").first).to_be_visible(timeout=PATIENT)
    expect(card(page, "Whom to offer it to")).to_contain_text("no scores for this date", timeout=PATIENT)
    page.get_by_role("tab", name="Products").click()
    expect(card(page, "Customers also bought:").locator("tbody tr").first).to_be_visible(timeout=PATIENT)
