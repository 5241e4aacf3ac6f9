"""The arithmetic of samples: quantiles, and how sure a median is. Pure."""

import random
from collections.abc import Sequence
from statistics import median

RESAMPLES = 10_000


def quantile(samples: Sequence[float], share: float) -> float:
    """The smallest sample that at least `share` of them do not exceed."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, max(0, int(share * len(ordered))))]


def spread(samples: Sequence[float]) -> dict[str, float]:
    """Median, p99 and p99.9."""
    return {"median": median(samples), "p99": quantile(samples, 0.99), "p99_9": quantile(samples, 0.999)}


def median_interval(samples: Sequence[float], *, seed: int = 1) -> tuple[float, float]:
    """The 95 % bootstrap interval of the median; the seed makes it the same for the same samples."""
    drawn = random.Random(seed)
    medians = sorted(median(drawn.choices(samples, k=len(samples))) for _ in range(RESAMPLES))
    return medians[int(0.025 * RESAMPLES)], medians[int(0.975 * RESAMPLES)]


def verdict(interval: tuple[float, float], limit: float) -> str:
    """Say in words what the interval says of the limit."""
    low, high = interval
    if high <= limit:
        return "met"
    return "missed" if low > limit else f"straddles {limit:g}: not decided"
