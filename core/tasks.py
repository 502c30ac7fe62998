"""The tasks that models are trained for; imported by the command line, so nothing heavy is."""

TASKS = ("churn", "spend", "sales", "recommend", "credit")
