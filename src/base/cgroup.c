/*
 * Control groups are nested: the limit of a container or a service may be set on any group around that
 * of the process. /proc/self/cgroup has a line for each hierarchy, "4:memory:/a/b" or "0::/a/b" for
 * version 2; /proc/self/mountinfo says where it is mounted, and which of its groups is at the mount's
 * root (cgroups(7), proc(5)).
 */
#include "base/cgroup.h"

#include "os/os.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 4096, PATH_BYTES = 8192 };

/* Calls `look` for the folder of each group from the process's own up to the mount's root. */
struct hierarchy {
    const char *root;
    const char *controller; /* "memory", "cpu"; NULL: version 2 */
    void (*look)(const char *folder, struct gn_cgroup_limits *limits);
    struct gn_cgroup_limits *limits;
};

static FILE *open_below(const char *root, const char *path)
{
    char full[PATH_BYTES];
    if (snprintf(full, sizeof full, "%s%s", root, path) >= (int)sizeof full)
        return NULL;
    return fopen(full, "re");
}

/* Whether `word` is one of the words in `list`, which commas separate. */
static bool has_word(const char *list, const char *word)
{
    const size_t n = strlen(word);
    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, word, n) == 0 && (at[n] == ',' || at[n] == '\0'))
            return true;
    }
    return false;
}

static bool read_line(FILE *f, char *line)
{
    if (fgets(line, LINE_BYTES, f) == NULL)
        return false;
    line[strcspn(line, "\n")] = '\0';
    return true;
}

/* The process's group in the hierarchy: "/a/b". */
static bool find_group(const struct hierarchy *h, char group[LINE_BYTES])
{
    FILE *f = open_below(h->root, "/proc/self/cgroup");
    char line[LINE_BYTES];
    bool found = false;
    while (f != NULL && !found && read_line(f, line)) {
        char *controllers = strchr(line, ':');
        char *path = controllers == NULL ? NULL : strchr(controllers + 1, ':');
        if (path == NULL)
            continue;
        *path++ = '\0';
        controllers++;
        found = h->controller == NULL ? *controllers == '\0' : has_word(controllers, h->controller);
        if (found)
            (void)snprintf(group, LINE_BYTES, "%s", path);
    }
    if (f != NULL)
        (void)fclose(f);
    return found;
}

/* A line of mountinfo: "31 23 0:28 ROOT MOUNT options - TYPE source super-options". */
static bool parse_mount(char *line, const struct hierarchy *h, const char **root,
                        const char **mount)
{
    char *words[5], *rest = line;
    for (int i = 0; i < 5; i++)
        if ((words[i] = strtok_r(i == 0 ? line : NULL, " ", &rest)) == NULL)
            return false;
    char *type = strstr(rest, "- ");
    if (type == NULL)
        return false;
    type += 2;
    const char *options = strrchr(type, ' ');
    *root = words[3];
    *mount = words[4];
    return h->controller == NULL ? strncmp(type, "cgroup2 ", 8) == 0
                                 : strncmp(type, "cgroup ", 7) == 0 && options != NULL &&
                                       has_word(options + 1, h->controller);
}

/* The folder of the group below the mount, then those around it. */
static void walk(const struct hierarchy *h, const char *group, const char *root, const char *mount)
{
    char folder[PATH_BYTES];
    const size_t n_root = strcmp(root, "/") == 0 ? 0 : strlen(root);
    const bool is_below = strncmp(group, root, n_root) == 0;
    const int top = snprintf(folder, sizeof folder, "%s%s", h->root, mount);
    if (top < 0 || top >= (int)sizeof folder)
        return;
    (void)snprintf(folder + top, sizeof folder - (size_t)top, "%s", is_below ? group + n_root : "");
    for (;;) {
        h->look(folder, h->limits);
        char *slash = strrchr(folder, '/');
        if (slash == NULL || slash - folder < top)
            return;
        *slash = '\0';
    }
}

static void each_group(const struct hierarchy *h)
{
    char group[LINE_BYTES], line[LINE_BYTES];
    if (!find_group(h, group))
        return;
    FILE *f = open_below(h->root, "/proc/self/mountinfo");
    while (f != NULL && read_line(f, line)) {
        const char *root, *mount;
        if (parse_mount(line, h, &root, &mount))
            walk(h, group, root, mount);
    }
    if (f != NULL)
        (void)fclose(f);
}

/* Up to two whole numbers of a file; how many there are, "max" counting as none. */
static int read_numbers(const char *folder, const char *name, long long numbers[2])
{
    char path[PATH_BYTES + 64], line[LINE_BYTES];
    int n = 0;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return 0;
    if (read_line(f, line)) {
        char *at = line;
        for (char *end; n < 2; n++, at = end) {
            numbers[n] = strtoll(at, &end, 10);
            if (end == at)
                break;
        }
    }
    (void)fclose(f);
    return n;
}

static void limit_memory(const char *folder, const char *name, struct gn_cgroup_limits *limits)
{
    long long bytes[2];
    if (read_numbers(folder, name, bytes) > 0 && bytes[0] >= 0 &&
        (uint64_t)bytes[0] < limits->memory)
        limits->memory = (uint64_t)bytes[0];
}

static void limit_cpus(long long quota, long long period, struct gn_cgroup_limits *limits)
{
    if (quota <= 0 || period <= 0)
        return;
    const double cpus = (double)quota / (double)period;
    if (limits->cpus <= 0 || cpus < limits->cpus)
        limits->cpus = cpus;
}

static void look_at_unified(const char *folder, struct gn_cgroup_limits *limits)
{
    long long cpu[2];
    limit_memory(folder, "memory.max", limits);
    if (read_numbers(folder, "cpu.max", cpu) == 2)
        limit_cpus(cpu[0], cpu[1], limits);
}

static void look_at_memory(const char *folder, struct gn_cgroup_limits *limits)
{
    limit_memory(folder, "memory.limit_in_bytes", limits);
}

static void look_at_cpu(const char *folder, struct gn_cgroup_limits *limits)
{
    long long quota[2], period[2];
    if (read_numbers(folder, "cpu.cfs_quota_us", quota) > 0 &&
        read_numbers(folder, "cpu.cfs_period_us", period) > 0)
        limit_cpus(quota[0], period[0], limits);
}

struct gn_cgroup_limits gn_cgroup_limits(const char *root)
{
    struct gn_cgroup_limits limits = { .memory = UINT64_MAX };
    const struct hierarchy hierarchies[] = {
        { root, NULL, look_at_unified, &limits },
        { root, "memory", look_at_memory, &limits },
        { root, "cpu", look_at_cpu, &limits },
    };
    for (size_t i = 0; GN_CONTROL_GROUPS && i < sizeof hierarchies / sizeof hierarchies[0]; i++)
        each_group(&hierarchies[i]);
    return limits;
}
