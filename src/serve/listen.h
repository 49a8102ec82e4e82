/* Where the server is reached: "ADDRESS:PORT", "[IPV6]:PORT", "unix:PATH", or a socket that systemd has
 * opened. */
#ifndef GN_SERVE_LISTEN_H
#define GN_SERVE_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

struct serve_listener {
    int socket;
    bool is_unix, is_loopback; /* nobody but this machine reaches it */
    char place[160];           /* "http://127.0.0.1:8080", with the port that the system chose */
    char path[108];            /* of a Unix socket that we made and remove */
};

/* 0, or an exit code after the fault was named. `scheme` "http" or "https". */
int serve_listen(struct serve_listener *listener, const char *where, const char *scheme);
void serve_unlisten(struct serve_listener *listener);

#endif
