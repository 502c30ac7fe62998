"""Several replicas behind one address: whoever was on one goes on at another, where the address says."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect

from core.demo import ensure_demo_database
from core.settings import Settings
from tests.conftest import RunningServer, ServeFunction
from tests.image_container import wait_until
from tests.replica_proxy import ReplicaProxy

pytestmark = pytest.mark.browser
KEY = "a secret that all replicas of this test share"
SECONDS = 60_000


@dataclass(frozen=True)
class Replicas:
    """Two servers on copies of the same company, and the one address that people use."""

    first: RunningServer
    second: RunningServer
    proxy: ReplicaProxy


@pytest.fixture(scope="module")
def proxy() -> Iterator[ReplicaProxy]:
    """The one address; what it leads to is said later."""
    with ReplicaProxy("http://127.0.0.1:9") as proxy:
        yield proxy


Start = Callable[[str], RunningServer]


@pytest.fixture(scope="module")
def start(serve: ServeFunction, proxy: ReplicaProxy, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Start replicas: all have the same secret, each a copy of the demo."""
    folder = tmp_path_factory.mktemp("replicas")
    demo = ensure_demo_database(Settings(data_dir=folder / "demo"))

    def one(name: str) -> RunningServer:
        (folder / name).mkdir()
        shutil.copy(demo, folder / name)
        server = serve(
            wait=False,
            SALES_DATA_DIR=str(folder / name),
            SALES_SECRET_KEY=KEY,
            SALES_ALLOWED_ORIGINS=proxy.host,
            SALES_PUBLIC_URL=proxy.url,
        )
        wait_until(lambda: server.get("/readyz")[0] == 200, "the replica did not become ready")
        return server

    return one


@pytest.fixture(scope="module")
def second(start: Start) -> RunningServer:
    """The replica that stays."""
    return start("second")


@pytest.fixture
def replicas(
    start: Start, second: RunningServer, proxy: ReplicaProxy, request: pytest.FixtureRequest
) -> Iterator[Replicas]:
    """A first replica, to be killed, to which the proxy leads, and the second."""
    first = start(request.node.originalname)
    proxy.move_to(first.url)
    yield Replicas(first, second, proxy)
    proxy.lead_websockets_to(None)
    if first.process.poll() is None:
        _kill(first)


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """A page that may complain of lost connections."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def _is_drawn(page: Page) -> None:
    """Every visible card has its figure, which came over a connection to a server."""
    expect(page.locator(".figure:visible").first).to_be_visible(timeout=SECONDS)
    expect(page.locator('.sd-card[data-state="ready"]:visible').first).to_be_visible(timeout=SECONDS)
    expect(page.locator('.sd-card[data-state="loading"]:visible')).to_have_count(0, timeout=SECONDS)


def _kill(server: RunningServer) -> None:
    server.process.kill()
    server.process.wait(20)


def test_a_page_goes_on_at_another_replica(replicas: Replicas, tab: Page) -> None:
    """The first replica is killed: the page comes back at the second, where it was, not where it began."""
    tab.goto(f"{replicas.proxy.url}/?page=overview&country=USA")
    _is_drawn(tab)
    tab.locator('[data-page="explore"]').click()
    tab.wait_for_url("**/?page=explore*country=USA*", timeout=SECONDS)
    _is_drawn(tab)
    where = tab.url

    tab.evaluate("window.beforeItBroke = true")
    _kill(replicas.first)
    replicas.proxy.move_to(replicas.second.url)
    tab.wait_for_function("window.beforeItBroke === undefined", timeout=SECONDS)
    _is_drawn(tab)
    assert tab.url == where
    expect(tab.locator(".sd-filters").get_by_text("USA").first).to_be_visible(timeout=SECONDS)


def test_while_no_replica_answers_the_page_says_so(replicas: Replicas, tab: Page) -> None:
    tab.goto(f"{replicas.proxy.url}/?page=explore")
    _is_drawn(tab)
    lost = tab.get_by_role("alert").filter(has_text="connection to the server is lost")
    _kill(replicas.first)
    expect(lost).to_be_visible(timeout=SECONDS)
    replicas.proxy.move_to(replicas.second.url)
    expect(lost).to_have_count(0, timeout=SECONDS)
    _is_drawn(tab)


def test_a_page_of_one_replica_may_connect_to_another(replicas: Replicas, tab: Page) -> None:
    """The page may come from one replica and its connection lead to another: they share the secret."""
    replicas.proxy.lead_websockets_to(replicas.second.url)
    tab.goto(f"{replicas.proxy.url}/?page=explore")
    _is_drawn(tab)
    _kill(replicas.first)  # nothing of the page depends on it
    tab.locator('[data-page="overview"]').click()
    tab.wait_for_url("**/?page=overview*", timeout=SECONDS)
    _is_drawn(tab)
