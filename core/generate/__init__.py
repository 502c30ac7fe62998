"""A generator of a Classic-Models-like company with known truth, for demonstrations, tests and benchmarks."""

from core.generate.company import DEFAULT_START, TABLES, GeneratedCompany, generate_company

__all__ = ["DEFAULT_START", "TABLES", "GeneratedCompany", "generate_company"]
