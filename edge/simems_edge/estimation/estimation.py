"""The estimator run over measured data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from simems_core import ESTIMATE_REASONS, Cell, Ekf

from simems_edge.estimation.samples import Samples


@dataclass(frozen=True)
class Estimated:
    """One value a row; ``reason`` indexes :data:`simems_core.ESTIMATE_REASONS`, 0 = valid."""

    soc_pct: Sequence[float]
    sigma_pct: Sequence[float]
    reason: bytes

    def invalid(self) -> dict[str, int]:
        """How many rows are not valid, by reason."""
        counted = Counter(self.reason)
        return {ESTIMATE_REASONS[code]: number for code, number in sorted(counted.items()) if code}

    def rows(self, samples: Samples) -> list[str]:
        """``time_s,soc_pct,soc_sigma_pct,valid``; percent to six decimals."""
        found = zip(samples.time_s, self.soc_pct, self.sigma_pct, self.reason, strict=True)
        return [
            f"{_shortest(time_s)},{_shortest(round(soc, 6))},{_shortest(round(sigma, 6))},{int(reason == 0)}"
            for time_s, soc, sigma, reason in found
        ]


def estimate(
    cell: Cell,
    samples: Samples,
    *,
    initial_soc_pct: float | None = None,
    initial_sigma_pct: float = 20.0,
    series: int = 1,
    parallel: int = 1,
) -> Estimated:
    """Raises :class:`simems_core.CoreError` for a start or pack that cannot be."""
    ekf = Ekf(
        cell,
        series=series,
        parallel=parallel,
        initial_soc_pct=initial_soc_pct,
        initial_sigma_pct=initial_sigma_pct,
    )
    soc, sigma, reason, _, _ = ekf.run(*samples.columns)
    return Estimated(soc, sigma, reason)


def _shortest(value: float) -> str:
    return repr(value).removesuffix(".0")
