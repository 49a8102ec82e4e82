/* What this CPU can do, by its feature flags. */
#include "cpu/cpu.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__aarch64__) && defined(__linux__)
#include <stdio.h>
#include <sys/auxv.h>
#endif

static char text[128];

#if defined(__x86_64__)
/* Not every compiler of ours knows it by name. */
static bool has_avx_vnni(void)
{
    unsigned a, b, c, d;
    return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 &&
           (a & 1U << 4) != 0;
}
#endif

static void list_features(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    const struct {
        const char *name;
        bool has;
    } features[] = {
        { "sse4.2", __builtin_cpu_supports("sse4.2") },
        { "avx", __builtin_cpu_supports("avx") },
        { "avx2", __builtin_cpu_supports("avx2") },
        { "fma", __builtin_cpu_supports("fma") },
        { "avx512f", __builtin_cpu_supports("avx512f") },
        { "avx512bw", __builtin_cpu_supports("avx512bw") },
        { "avx512dq", __builtin_cpu_supports("avx512dq") },
        { "avx512vl", __builtin_cpu_supports("avx512vl") },
        { "avx512vnni", __builtin_cpu_supports("avx512vnni") },
        { "avxvnni", has_avx_vnni() },
    };
    for (size_t i = 0; i < sizeof features / sizeof features[0]; i++) {
        if (!features[i].has)
            continue;
        if (text[0] != '\0')
            (void)strncat(text, " ", sizeof text - strlen(text) - 1);
        (void)strncat(text, features[i].name, sizeof text - strlen(text) - 1);
    }
#elif defined(__aarch64__) && defined(__linux__)
    const unsigned long has = getauxval(AT_HWCAP);
    (void)snprintf(text, sizeof text, "neon%s%s%s", (has & HWCAP_ASIMDHP) != 0 ? " fp16" : "",
                   (has & HWCAP_ASIMDDP) != 0 ? " dotprod" : "",
                   (has & HWCAP_SVE) != 0 ? " sve" : "");
#endif
}

const char *gn_cpu_features(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, list_features);
    return text;
}
