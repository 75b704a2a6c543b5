"""One-to-one matching of event times within a tolerance: how found onsets are judged against known ones.

The same rule as mir_eval's onset scores: the largest number of pairs, each at most the tolerance apart.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

ROUNDING_S = 1e-9


def match(reference_s: ArrayLike, estimate_s: ArrayLike, tolerance_s: float) -> list[tuple[int, int]]:
    """Index pairs (reference, estimate) of a largest one-to-one matching.

    Args:
        reference_s: known times, shape (n,). estimate_s: found times, shape (m,). tolerance_s: inclusive, seconds.
    """
    reference, estimate = np.asarray(reference_s, np.float64), np.asarray(estimate_s, np.float64)
    if not len(reference) or not len(estimate):
        return []
    near = np.abs(reference[:, None] - estimate[None, :]) <= tolerance_s + ROUNDING_S
    partners = maximum_bipartite_matching(csr_matrix(near), perm_type="column")
    return [(i, int(j)) for i, j in enumerate(partners) if j >= 0]


def f_score(reference_s: ArrayLike, estimate_s: ArrayLike, tolerance_s: float) -> float:
    """Harmonic mean of precision and recall, 0..1; 1 when both lists are empty."""
    reference, estimate = np.asarray(reference_s), np.asarray(estimate_s)
    if not len(reference) and not len(estimate):
        return 1.0
    pairs = len(match(reference, estimate, tolerance_s))
    return 2 * pairs / (len(reference) + len(estimate))
