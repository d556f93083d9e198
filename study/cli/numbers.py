"""Numbers in words: accuracies, times, sizes, as the screens print them."""

from study.report import Share


def percent(accuracy: float) -> str:
    """`84.1`"""
    return f"{100 * accuracy:.1f}"


def with_error(share: Share) -> str:
    """`84.1 ± 0.9`: percent and one standard error."""
    return f"{percent(share.accuracy)} ± {percent(share.error)}"


def span(low: float, high: float) -> str:
    """`79.0 to 95.2`; one number where both are the same."""
    return percent(low) if percent(low) == percent(high) else f"{percent(low)} to {percent(high)}"


def clock(seconds: float) -> str:
    """`2:05`; `1:02:05` from an hour on."""
    whole = round(max(0.0, seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def duration(seconds: float) -> str:
    """`40 seconds`, `12 minutes`, `3.5 hours`: as precise as an estimate is."""
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.1f} {unit}" if seconds < 10 * size else f"{seconds / size:.0f} {unit}"
    return f"{max(1, round(seconds))} seconds" if seconds >= 1.5 else "a second"


def size(octets: float) -> str:
    """`1.2 MB`; powers of ten, as disks are sold."""
    for power, unit in ((9, "GB"), (6, "MB"), (3, "kB")):
        if octets >= 10**power:
            return f"{octets / 10**power:,.1f} {unit}"
    return f"{octets:.0f} bytes"
