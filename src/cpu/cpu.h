/* What this CPU can do, for reports. The choice of an instruction set is in isa.h. */
#ifndef GN_CPU_CPU_H
#define GN_CPU_CPU_H

#include "base/status.h"

/* Feature flags that matter to the kernels: "avx2 fma". */
const char *gn_cpu_features(void);

#endif
