/*
 * A line between two network namespaces on which packets take a while and some are lost, for systems whose
 * kernel has no netem (tools/cluster-net.sh):
 *
 *   relay NAMESPACE DEVICE NAMESPACE DEVICE DELAY_MS LOSS_PERCENT [SEED]
 *
 * makes a tunnel device in each, prints "ready", and carries packets until it is killed. Packets keep their order. After
 * SIGUSR1 all are lost, as on a cable that is cut far away.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { QUEUE = 8192, PACKET = 2048 };

struct packet {
    int64_t due; /* ns */
    size_t n;
    unsigned char bytes[PACKET];
};

/* What came in at one device and goes out at another. */
struct line {
    int from, to;
    size_t first, n;
    struct packet *packets; /* a ring of QUEUE */
};

static int64_t delay_ns;
static double loss;
static uint64_t state;
static volatile sig_atomic_t is_cut;

static void cut(int signal)
{
    (void)signal;
    is_cut = 1;
}

static void stop(const char *what)
{
    (void)fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* From 0 to 1; Marsaglia's xorshift. */
static double draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (double)(state >> 11) / 9007199254740992.0;
}

static int open_device(const char *space, const char *name)
{
    char path[256];
    struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
    (void)snprintf(path, sizeof path, "/var/run/netns/%s", space);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, CLONE_NEWNET) != 0)
        stop(path);
    (void)close(fd);
    const int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    if (device < 0 || ioctl(device, TUNSETIFF, &request) != 0)
        stop("/dev/net/tun");
    return device;
}

/* A full queue loses packets as a router does. */
static void take(struct line *line)
{
    unsigned char spare[PACKET];
    for (;;) {
        struct packet *p = &line->packets[(line->first + line->n) % QUEUE];
        const ssize_t n = read(line->from, line->n < QUEUE ? p->bytes : spare, PACKET);
        if (n <= 0)
            return;
        if (line->n == QUEUE || is_cut || draw() < loss)
            continue;
        p->n = (size_t)n;
        p->due = now() + delay_ns;
        line->n++;
    }
}

/* Sends what is due; nanoseconds until the next one, -1: there is none. */
static int64_t give(struct line *line)
{
    while (line->n > 0) {
        const struct packet *p = &line->packets[line->first];
        const int64_t left = p->due - now();
        if (left > 0)
            return left;
        if (write(line->to, p->bytes, p->n) < 0 && errno == EAGAIN)
            return 100000;
        line->first = (line->first + 1) % QUEUE;
        line->n--;
    }
    return -1;
}

int main(int argc, char **argv)
{
    if (argc < 7) {
        (void)fprintf(stderr,
                      "relay NAMESPACE DEVICE NAMESPACE DEVICE DELAY_MS LOSS_PERCENT [SEED]\n");
        return 2;
    }
    delay_ns = (int64_t)(strtod(argv[5], NULL) * 1e6);
    loss = strtod(argv[6], NULL) / 100;
    state = 88172645463325252U + (argc > 7 ? strtoull(argv[7], NULL, 10) : 0);
    const int a = open_device(argv[1], argv[2]), b = open_device(argv[3], argv[4]);
    struct line lines[2] = { { .from = a, .to = b }, { .from = b, .to = a } };
    for (int i = 0; i < 2; i++)
        if ((lines[i].packets = calloc(QUEUE, sizeof *lines[i].packets)) == NULL)
            stop("memory");
    (void)signal(SIGUSR1, cut);
    (void)puts("ready");
    (void)fflush(stdout);
    for (;;) {
        int64_t wait = -1;
        for (int i = 0; i < 2; i++) {
            take(&lines[i]);
            const int64_t left = give(&lines[i]);
            wait = left >= 0 && (wait < 0 || left < wait) ? left : wait;
        }
        struct pollfd polls[2] = { { .fd = a, .events = POLLIN }, { .fd = b, .events = POLLIN } };
        const struct timespec pause = { .tv_sec = wait / 1000000000, .tv_nsec = wait % 1000000000 };
        (void)ppoll(polls, 2, wait < 0 ? NULL : &pause, NULL);
    }
}
