/* What this CPU can do, for reports. The choice of a kernel set is in ops/kernels.h. */
#ifndef GN_CPU_CPU_H
#define GN_CPU_CPU_H

#include "ops/kernels.h"

/* Kernel sets that can run here, best first: "avx2 generic". */
const char *gn_cpu_available(void);

/* Feature flags that matter to the kernels: "avx2 fma". */
const char *gn_cpu_features(void);

#endif
