"""Metrics on one photo, one algorithm a file. All return sums, so that photos can be added and resampled."""
