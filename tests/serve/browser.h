/* Chromium without a window, driven over a pipe (DevTools protocol). Failures end the test. */
#ifndef GN_TESTS_SERVE_BROWSER_H
#define GN_TESTS_SERVE_BROWSER_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

struct browser {
    pid_t pid;
    int to, from;
    int last;          /* number of the last command */
    char session[128]; /* of the page */
    char *bytes;       /* read, not yet taken */
    size_t size, room;
    int faults;         /* exceptions, errors of the console, refusals of the page's policy */
    const char *prompt; /* what a prompt is answered with */
    int prompts;        /* how many there were */
};

/* False: there is no Chromium on this machine. */
bool browser_start(struct browser *browser);
void browser_stop(struct browser *browser);

/* Sends a command to the page with the members of `parameters` (taken over); returns its result. */
json_t *browser_call(struct browser *browser, const char *method, json_t *parameters);

/* Opens an address and waits until it is there. */
void browser_open(struct browser *browser, const char *url);

/* The value of a JavaScript expression as text, valid until the next call; promises are waited for. */
const char *browser_value(struct browser *browser, const char *script);

/* Waits until the expression has this value as text. */
void browser_wait(struct browser *browser, const char *script, const char *value);

/* A user drags a file over the page's middle and lets it go. */
void browser_drop(struct browser *browser, const char *path);

/* A user's click on the first element that a CSS selector finds. */
void browser_click(struct browser *browser, const char *selector);

/* A PNG of the page at that width; dark or light. Nothing where the environment has no GN_SCREENSHOTS, the
 * folder for it. */
void browser_shoot(struct browser *browser, const char *name, int width, int height, bool dark);

#endif
