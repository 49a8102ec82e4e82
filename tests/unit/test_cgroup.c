/*
 * The limits of control groups, of both versions and of every group around the process's own.
 * labels: quick
 */
#include "base/cgroup.h"

#include "support/check.h"

#include <stdlib.h>
#include <sys/stat.h>

/* Writes a file below "root", with the folders that it needs. */
static void put(const char *path, const char *text)
{
    char full[512];
    (void)snprintf(full, sizeof full, "root%s", path);
    for (char *slash = strchr(full + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(full, 0777);
        *slash = '/';
    }
    FILE *f = fopen(full, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int begin(void **state)
{
    (void)state;
    (void)mkdir("root", 0777);
    return 0;
}

static int clean(void **state)
{
    (void)state;
    return system("rm -rf root"); /* NOLINT: a fixed command */
}

static void version_2_takes_the_tightest_group_around_the_process(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/a/b/c\n");
    put("/proc/self/mountinfo", "24 1 0:22 / / rw - ext4 /dev/sda rw\n"
                                "31 23 0:28 / /sys/fs/cgroup rw,relatime shared:4 - cgroup2 "
                                "cgroup2 rw,nsdelegate\n");
    put("/sys/fs/cgroup/a/b/c/memory.max", "max\n");
    put("/sys/fs/cgroup/a/b/memory.max", "1073741824\n");
    put("/sys/fs/cgroup/a/memory.max", "2147483648\n");
    put("/sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n");
    put("/sys/fs/cgroup/a/cpu.max", "150000 100000\n");
    const struct gn_cgroup_limits limits = gn_cgroup_limits("root");
    assert_int_equal(limits.memory, 1073741824);
    assert_float_equal(limits.cpus, 1.5, 1e-9);
}

static void version_1_has_a_hierarchy_for_each_controller(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "11:cpuset:/\n4:cpu,cpuacct:/d/e\n3:memory:/d/e\n0::/\n");
    put("/proc/self/mountinfo",
        "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
        "33 31 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
        "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
    put("/sys/fs/cgroup/memory/d/e/memory.limit_in_bytes", "9223372036854771712\n");
    put("/sys/fs/cgroup/memory/d/memory.limit_in_bytes", "536870912\n");
    put("/sys/fs/cgroup/cpu,cpuacct/d/cpu.cfs_quota_us", "250000\n");
    put("/sys/fs/cgroup/cpu,cpuacct/d/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/cpu,cpuacct/d/e/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/cpu,cpuacct/d/e/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/cpuset/d/memory.limit_in_bytes", "1\n");
    const struct gn_cgroup_limits limits = gn_cgroup_limits("root");
    assert_int_equal(limits.memory, 536870912);
    assert_float_equal(limits.cpus, 2.5, 1e-9);
}

/* A container sees its own group at the root of the mount, under the path that the host gives it. */
static void the_mount_may_begin_at_a_group_of_the_host(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "3:memory:/docker/123/own\n");
    put("/proc/self/mountinfo",
        "35 31 0:32 /docker/123 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
    put("/sys/fs/cgroup/memory/own/memory.limit_in_bytes", "400\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "300\n");
    assert_int_equal(gn_cgroup_limits("root").memory, 300);
    put("/sys/fs/cgroup/memory/own/memory.limit_in_bytes", "200\n");
    assert_int_equal(gn_cgroup_limits("root").memory, 200);
}

static void what_cannot_be_read_is_no_limit(void **state)
{
    (void)state;
    assert_int_equal(gn_cgroup_limits("root").memory, UINT64_MAX);
    assert_float_equal(gn_cgroup_limits("root").cpus, 0, 0);
    put("/proc/self/cgroup", "nonsense\n0:\n\n3:memory\n0::/a\n");
    put("/proc/self/mountinfo", "31\n31 23 0:28 / /m rw\n31 23 0:28 / /m rw - cgroup2\n"
                                "31 23 0:28 / /m rw - cgroup2 cgroup2 rw\n");
    put("/m/a/memory.max", "");
    put("/m/memory.max", "-5\n");
    put("/m/a/cpu.max", "100000\n");
    assert_int_equal(gn_cgroup_limits("root").memory, UINT64_MAX);
    assert_float_equal(gn_cgroup_limits("root").cpus, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(version_2_takes_the_tightest_group_around_the_process,
                                        begin, clean),
        cmocka_unit_test_setup_teardown(version_1_has_a_hierarchy_for_each_controller, begin,
                                        clean),
        cmocka_unit_test_setup_teardown(the_mount_may_begin_at_a_group_of_the_host, begin, clean),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_is_no_limit, begin, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
