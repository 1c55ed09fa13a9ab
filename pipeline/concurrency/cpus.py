"""Number of CPUs that this process may use."""

import os

# "At 1,769 MB, a function has the equivalent of one vCPU":
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
_MEGABYTES_PER_CPU = 1769


def available_cpus(memory_megabytes: int | None = None) -> int:
    """Return how many threads can run at a time, at least 1.

    Args:
        memory_megabytes: memory of the Lambda function, which decides its share of CPUs. Lambda
            shows 2 CPUs even if it grants a fraction of one. None elsewhere.
    """
    # Containers and taskset restrict the affinity. macOS has none.
    affinity = getattr(os, "sched_getaffinity", None)
    cpus = len(affinity(0)) if affinity else os.cpu_count() or 1
    if memory_megabytes is not None:
        # Rounded down, because a thread beyond the share makes the others wait for it.
        cpus = min(cpus, max(1, memory_megabytes // _MEGABYTES_PER_CPU))
    return cpus
