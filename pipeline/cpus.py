"""How many CPUs this process really has."""

import os

# "At 1,769 MB, a function has the equivalent of one vCPU":
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
_MEGABYTES_PER_CPU = 1769


def available_cpus(memory_megabytes: int | None = None) -> int:
    """Return how many threads can run at once: at least 1.

    Args:
        memory_megabytes: a Lambda function's memory, which decides its share of CPUs;
            Lambda shows 2 CPUs even where it grants a fraction of one. None elsewhere.
    """
    # Affinity, not the machine's count: containers and taskset narrow it. macOS has none.
    affinity = getattr(os, "sched_getaffinity", None)
    cpus = len(affinity(0)) if affinity else os.cpu_count() or 1
    if memory_megabytes is not None:
        # Rounded down: a thread beyond the share makes the others wait for it.
        cpus = min(cpus, max(1, memory_megabytes // _MEGABYTES_PER_CPU))
    return cpus
