"""Limits of Cloudflare's plans, with their sources. Standard library only.

Cloudflare's docs, "Workers limits" (read 2026-11-30). Since 2026-09-04 the size of a bundle has one limit, the same for
all plans, before compression (changelog "Increased Worker size limit"); before it was 3 or 10 MB after compression.
"""

from dataclasses import dataclass

MIB = 1024 * 1024
BUNDLE_BYTES = 64 * MIB
ASSET_BYTES = 25 * MIB
VARIABLE_BYTES = 5 * 1024
NAME_LENGTH = 63  # a name is a label of DNS below workers.dev


@dataclass(frozen=True, kw_only=True)
class PlanLimits:
    """The limits that differ between the plans. Cron triggers are counted per account."""

    assets: int
    variables: int
    crons: int


PLANS = {
    "free": PlanLimits(assets=20_000, variables=64, crons=5),
    "paid": PlanLimits(assets=100_000, variables=128, crons=250),
}


def excess(plan: str, limit: str, count: int, what: str) -> tuple[str, str]:
    """Returns the severity and the sentence for a count above the limit of the plan, or two empty texts.

    Above the limit of the free plan alone it is a warning.
    """
    own, free = getattr(PLANS[plan], limit), getattr(PLANS["free"], limit)
    if count > own:
        return "error", f"{count} {what}, and the {plan} plan of Cloudflare allows {own}"
    if count > free:
        return "warning", f"{count} {what}: the free plan of Cloudflare allows {free}, and the paid plan {own}"
    return "", ""
