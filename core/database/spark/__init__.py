"""Spark through Spark Connect; needs the environment for Spark."""

from core.database.spark.address import SparkAddress, spark_address
from core.database.spark.database import SparkDatabase

__all__ = ["SparkAddress", "SparkDatabase", "spark_address"]
