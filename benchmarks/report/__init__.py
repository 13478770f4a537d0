"""One self-contained page of run records: accuracy, latency and size, for people."""
