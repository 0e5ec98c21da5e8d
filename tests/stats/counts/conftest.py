"""Buffers of every size for the tables of counts."""

import pytest

from hf_apt.stats.counts import pair_counts


@pytest.fixture(params=[(1, 1), (2, 2), (3, 8), (7, 3)], ids=lambda sizes: f"flush{sizes}")
def small_buffers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Buffers so small that every path of flushing and merging is taken."""
    flush_at, merge_at = request.param
    monkeypatch.setattr(pair_counts, "_FLUSH_AT", flush_at)
    monkeypatch.setattr(pair_counts, "_SORT_AT_ONCE", flush_at + 3)
    monkeypatch.setattr(pair_counts, "_MERGE_AT", merge_at)
