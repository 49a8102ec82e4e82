/* The open connections. libmicrohttpd's timeout begins anew with each byte, so one byte now and then would
 * hold a connection for ever; here each request has a time in total. */
#ifndef GN_SERVE_CONNECTIONS_H
#define GN_SERVE_CONNECTIONS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct serve_connection {
    struct serve_connection *previous, *next;
    int socket;
    int generation; /* of the daemon that it belongs to */
    bool is_busy;   /* from the header of a request to its last byte */
    bool is_cut;
    double since; /* when it was opened, or became busy or idle */
    char peer[64];
};

struct serve_connections {
    pthread_mutex_t lock;
    struct serve_connection *first;
    int n;
    atomic_int generation; /* of the daemon that accepts */
};

void serve_connections_begin(struct serve_connections *connections);

/* NULL: no memory. `address` is a struct sockaddr. */
struct serve_connection *serve_connection_open(struct serve_connections *connections, int socket,
                                               const void *address);
void serve_connection_close(struct serve_connections *connections, struct serve_connection *one);
void serve_connection_busy(struct serve_connections *connections, struct serve_connection *one,
                           bool is_busy);

/* Cuts the connections whose time is over (those with a request get `grace` seconds more), and asks idle
 * ones of earlier generations, or all idle ones if `drains`, to end. */
void serve_connections_watch(struct serve_connections *connections, double timeout, double grace,
                             bool drains);

/* How many there are; of generation `generation` alone, or -1: all. */
int serve_connections_count(struct serve_connections *connections, int generation);

#endif
