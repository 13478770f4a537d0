"""Where networks come from: each module reads one kind of source, none of them runs what it reads."""

from portraitlite.convert.sources.open import Source, open_source

__all__ = ["Source", "open_source"]
