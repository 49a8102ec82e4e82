/* What the control groups of this process allow it: memory and processor time. */
#ifndef GN_BASE_CGROUP_H
#define GN_BASE_CGROUP_H

#include "base/status.h"

struct gn_cgroup_limits {
    uint64_t memory; /* bytes; UINT64_MAX: no limit */
    double cpus;     /* processors' worth of time; 0: no limit */
};

/* The tightest limits of the process's own group and of all groups around it, of version 1 and 2, as
 * /proc/self/cgroup and /proc/self/mountinfo name them. `root` is put before every path: "" for this
 * system, a folder in tests. What cannot be read does not limit. */
struct gn_cgroup_limits gn_cgroup_limits(const char *root);

#endif
