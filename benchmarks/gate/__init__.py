"""The gate: a committed baseline that a model passes or fails, and reports for continuous integration."""
