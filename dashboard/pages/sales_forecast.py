"""Sales: what to expect of the months ahead, in total, by product line and by customer."""

from typing import ClassVar

from dashboard.predictions.prediction_page import PredictionPage
from dashboard.view import View
from dashboard.views import forecast_charts, forecast_customers


class SalesForecast(PredictionPage):
    """Forecast and customers, and how the two agree."""

    slug = "sales"
    title = "Sales"
    position = 10
    group = "Predictions"
    tasks = ("sales", "spend")
    chapters: ClassVar[dict[str, tuple[str, tuple[type[View], ...]]]] = {
        "forecast": (
            "Forecast",
            (
                forecast_charts.ForecastFigures,
                forecast_charts.SalesOutlookChart,
                forecast_charts.LinesAhead,
                forecast_charts.NewCustomers,
                forecast_charts.ForecastRows,
            ),
        ),
        "customers": (
            "Customers",
            (
                forecast_customers.SpendAgreement,
                forecast_customers.SpendClasses,
                forecast_customers.SpendByCountry,
                forecast_customers.SpendList,
                forecast_customers.SpendThenAfter,
            ),
        ),
    }
