/* The open connections and their time. */
#include "serve/connections.h"

#include "cli/report.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void serve_connections_begin(struct serve_connections *connections)
{
    *connections = (struct serve_connections){ 0 };
    pthread_mutex_init(&connections->lock, NULL);
}

struct serve_connection *serve_connection_open(struct serve_connections *all, int socket,
                                               const void *address)
{
    struct serve_connection *one = calloc(1, sizeof *one);
    const struct sockaddr *any = address;
    if (!one)
        return NULL;
    one->socket = socket;
    one->since = cli_seconds();
    one->generation = atomic_load(&all->generation);
    const socklen_t size = any && any->sa_family == AF_INET6 ? 28 : 16;
    if (!any || (any->sa_family != AF_INET && any->sa_family != AF_INET6) ||
        getnameinfo(any, size, one->peer, sizeof one->peer, NULL, 0, NI_NUMERICHOST) != 0)
        memcpy(one->peer, "unix", sizeof "unix");
    pthread_mutex_lock(&all->lock);
    one->next = all->first;
    if (all->first)
        all->first->previous = one;
    all->first = one;
    all->n++;
    pthread_mutex_unlock(&all->lock);
    return one;
}

void serve_connection_close(struct serve_connections *all, struct serve_connection *one)
{
    if (!one)
        return;
    pthread_mutex_lock(&all->lock);
    if (one->previous)
        one->previous->next = one->next;
    else
        all->first = one->next;
    if (one->next)
        one->next->previous = one->previous;
    all->n--;
    pthread_mutex_unlock(&all->lock);
    free(one);
}

void serve_connection_busy(struct serve_connections *all, struct serve_connection *one,
                           bool is_busy)
{
    if (!one)
        return;
    pthread_mutex_lock(&all->lock);
    one->is_busy = is_busy;
    one->since = cli_seconds();
    pthread_mutex_unlock(&all->lock);
}

/* The socket belongs to the daemon, which closes it after serve_connection_close: with the lock it is
 * still the same. */
void serve_connections_watch(struct serve_connections *all, double timeout, double grace,
                             bool drains)
{
    const double now = cli_seconds();
    const int generation = atomic_load(&all->generation);
    pthread_mutex_lock(&all->lock);
    for (struct serve_connection *one = all->first; one; one = one->next) {
        const double age = now - one->since;
        if (age > timeout + (one->is_busy ? grace : 0)) {
            (void)shutdown(one->socket, SHUT_RDWR);
            one->is_cut = true;
        } else if (!one->is_busy && !one->is_cut && (drains || one->generation < generation)) {
            /* What has arrived is still read and answered. */
            (void)shutdown(one->socket, SHUT_RD);
            one->is_cut = true;
        }
    }
    pthread_mutex_unlock(&all->lock);
}

int serve_connections_count(struct serve_connections *all, int generation)
{
    int n = 0;
    pthread_mutex_lock(&all->lock);
    for (const struct serve_connection *one = all->first; one; one = one->next)
        n += generation < 0 || one->generation == generation;
    pthread_mutex_unlock(&all->lock);
    return n;
}
