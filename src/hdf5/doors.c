/* Limits of the process, and a filter of system calls where the kernel has one. */
#include "hdf5/hdf5.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>

/* A sanitizer takes more memory than any limit, and opens files and calls the system at the end. */
#if defined(__linux__) && defined(__x86_64__) && !defined(GN_HDF5_SANITIZED)
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define ALLOW(name)                                                                                \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1),                                         \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* What reading, writing and memory need; every other call fails with EPERM. */
static void filter_calls(void)
{
    static struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW(read),
        ALLOW(write),
        ALLOW(writev),
        ALLOW(close),
        ALLOW(fstat),
        ALLOW(lseek),
        ALLOW(mmap),
        ALLOW(munmap),
        ALLOW(mremap),
        ALLOW(mprotect),
        ALLOW(madvise),
        ALLOW(brk),
        ALLOW(exit),
        ALLOW(exit_group),
        ALLOW(rt_sigaction),
        ALLOW(rt_sigprocmask),
        ALLOW(rt_sigreturn),
        ALLOW(futex),
        ALLOW(getpid),
        ALLOW(gettid),
        ALLOW(tgkill),
        ALLOW(clock_gettime),
        ALLOW(gettimeofday),
        ALLOW(getrandom),
        ALLOW(sysinfo),
        ALLOW(sched_yield),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
    const struct sock_fprog program = { sizeof rules / sizeof rules[0], rules };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        (void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
#else
static void filter_calls(void) {}
#endif

static void limit(int what, uint64_t most)
{
    const struct rlimit both = { (rlim_t)most, (rlim_t)most };
    if (setrlimit((__typeof__(RLIMIT_CPU))what, &both) != 0)
        gn_hdf5_fail("a limit of the process cannot be set");
}

void gn_hdf5_close_doors(uint64_t memory, unsigned seconds)
{
    (void)signal(SIGPIPE, SIG_IGN);
    limit(RLIMIT_CPU, seconds);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_CORE, 0);
#ifdef GN_HDF5_SANITIZED
    (void)memory;
#else
    limit(RLIMIT_NOFILE, 3); /* stdin, stdout and stderr are open; no other number is left */
    limit(RLIMIT_AS, memory);
#endif
    filter_calls();
}
