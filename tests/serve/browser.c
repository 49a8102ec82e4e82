/* Chromium's DevTools protocol: texts of JSON that end with a zero byte, over descriptors 3 and 4. */
#define _GNU_SOURCE /* pipe2 */
#include "serve/browser.h"

#include "support/check.h"
#include "support/files.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WAIT = 60 }; /* seconds for anything */

static const char *const names[] = { "chromium", "chromium-browser", "google-chrome" };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* ---- Start ---- */

static bool find(char *path, size_t size)
{
    const char *paths = getenv("PATH");
    char all[4096], *rest = NULL;
    snprintf(all, sizeof all, "%s", paths != NULL ? paths : "");
    for (char *folder = strtok_r(all, ":", &rest); folder != NULL;
         folder = strtok_r(NULL, ":", &rest))
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            snprintf(path, size, "%s/%s", folder, names[i]);
            if (access(path, X_OK) == 0)
                return true;
        }
    return false;
}

/* In the child: its ends of the pipes become 3 and 4. */
static void become(const char *path, int in, int out)
{
    const int log = open("chromium.log", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int a = fcntl(in, F_DUPFD, 10), b = fcntl(out, F_DUPFD, 10);
    (void)setpgid(0, 0);
    if (log < 0 || a < 0 || b < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0 || dup2(a, 3) < 0 ||
        dup2(b, 4) < 0)
        _exit(127);
    execl(path, path, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
          "--disable-dev-shm-usage", "--disable-background-networking", "--no-proxy-server",
          "--disable-component-update", "--disable-sync", "--user-data-dir=chromium",
          "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
          "--remote-debugging-pipe", "about:blank", (char *)NULL);
    _exit(127);
}

static json_t *command(struct browser *browser, const char *method, json_t *parameters);

/* A page of our own, and what is told of it. */
static void attach(struct browser *b)
{
    json_t *made = command(b, "Target.createTarget", json_pack("{s:s}", "url", "about:blank"));
    json_t *attached = command(
        b, "Target.attachToTarget",
        json_pack("{s:O, s:b}", "targetId", json_object_get(made, "targetId"), "flatten", 1));
    snprintf(b->session, sizeof b->session, "%s",
             json_string_value(json_object_get(attached, "sessionId")));
    json_decref(made);
    json_decref(attached);
    static const char *const domains[] = { "Page.enable", "Runtime.enable", "Log.enable" };
    for (size_t i = 0; i < sizeof domains / sizeof domains[0]; i++)
        json_decref(browser_call(b, domains[i], NULL));
}

bool browser_start(struct browser *b)
{
    char path[4096];
    int to[2], from[2];
    *b = (struct browser){ 0 };
    if (!find(path, sizeof path))
        return false;
    assert_int_equal(pipe2(to, O_CLOEXEC), 0);
    assert_int_equal(pipe2(from, O_CLOEXEC), 0);
    b->pid = fork();
    assert_true(b->pid >= 0);
    if (b->pid == 0)
        become(path, to[0], from[1]);
    close(to[0]);
    close(from[1]);
    b->to = to[1];
    b->from = from[0];
    attach(b);
    return true;
}

void browser_stop(struct browser *b)
{
    b->session[0] = '\0';
    json_decref(command(b, "Browser.close", NULL));
    close(b->to);
    close(b->from);
    for (int i = 0; i < 500 && waitpid(b->pid, NULL, WNOHANG) != b->pid; i++)
        (void)poll(NULL, 0, 10);
    (void)kill(-b->pid, SIGKILL);
    free(b->bytes);
}

/* ---- Messages ---- */

/* The next message that has come whole, NULL: none within the time. */
static json_t *receive(struct browser *b, double until)
{
    for (;;) {
        char *end = b->size > 0 ? memchr(b->bytes, '\0', b->size) : NULL;
        if (end != NULL) {
            json_t *message = json_loads(b->bytes, 0, NULL);
            const size_t n = (size_t)(end - b->bytes) + 1;
            memmove(b->bytes, b->bytes + n, b->size - n);
            b->size -= n;
            return message;
        }
        struct pollfd wait = { .fd = b->from, .events = POLLIN };
        if (now() > until || poll(&wait, 1, 200) < 0)
            return NULL;
        if (wait.revents == 0)
            continue;
        if (b->room - b->size < 65536) {
            b->room = 2 * b->room + 65536;
            b->bytes = realloc(b->bytes, b->room);
            assert_non_null(b->bytes);
        }
        const ssize_t n = read(b->from, b->bytes + b->size, b->room - b->size);
        if (n <= 0)
            return NULL;
        b->size += (size_t)n;
    }
}

static void send_message(struct browser *b, const char *method, json_t *parameters)
{
    json_t *message = json_pack("{s:i, s:s}", "id", ++b->last, "method", method);
    if (parameters != NULL)
        json_object_set_new(message, "params", parameters);
    if (b->session[0] != '\0')
        json_object_set_new(message, "sessionId", json_string(b->session));
    char *text = json_dumps(message, JSON_COMPACT);
    assert_non_null(text);
    const size_t n = strlen(text) + 1;
    assert_true(write(b->to, text, n) == (ssize_t)n);
    free(text);
    json_decref(message);
}

/* What happens without having been asked for. */
static void notice(struct browser *b, const json_t *event)
{
    const char *method = json_string_value(json_object_get(event, "method"));
    const json_t *entry = json_object_get(json_object_get(event, "params"), "entry");
    const char *level = json_string_value(json_object_get(entry, "level"));
    const char *source = json_string_value(json_object_get(entry, "source"));
    if (method == NULL)
        return;
    if (strcmp(method, "Page.javascriptDialogOpening") == 0) {
        b->prompts++;
        send_message(b, "Page.handleJavaScriptDialog",
                     json_pack("{s:b, s:s}", "accept", b->prompt != NULL, "promptText",
                               b->prompt != NULL ? b->prompt : ""));
    }
    /* An answer with an error status is logged, too: tests ask for those. */
    const bool is_error = strcmp(method, "Log.entryAdded") == 0 && level != NULL &&
                          strcmp(level, "error") == 0 && source != NULL &&
                          strcmp(source, "network") != 0;
    if (is_error || strcmp(method, "Runtime.exceptionThrown") == 0) {
        char *text = json_dumps(event, JSON_COMPACT);
        print_message("the page: %.600s\n", text);
        free(text);
        b->faults++;
    }
}

static json_t *command(struct browser *b, const char *method, json_t *parameters)
{
    send_message(b, method, parameters);
    const int id = b->last;
    const double until = now() + WAIT;
    for (;;) {
        json_t *message = receive(b, until);
        if (message == NULL)
            fail_msg("chromium does not answer %s", method);
        if (json_integer_value(json_object_get(message, "id")) == id) {
            if (json_object_get(message, "error") != NULL)
                fail_msg("%s: %s", method, json_dumps(message, 0));
            json_t *result = json_incref(json_object_get(message, "result"));
            json_decref(message);
            return result;
        }
        notice(b, message);
        json_decref(message);
    }
}

json_t *browser_call(struct browser *b, const char *method, json_t *parameters)
{
    return command(b, method, parameters);
}

/* ---- What a user does ---- */

const char *browser_value(struct browser *b, const char *script)
{
    static char text[4096];
    json_t *result =
        browser_call(b, "Runtime.evaluate",
                     json_pack("{s:s, s:b, s:b, s:b}", "expression", script, "returnByValue", 1,
                               "awaitPromise", 1, "userGesture", 1));
    const json_t *value = json_object_get(json_object_get(result, "result"), "value");
    if (json_object_get(result, "exceptionDetails") != NULL)
        snprintf(text, sizeof text, "exception");
    else if (json_is_string(value))
        snprintf(text, sizeof text, "%s", json_string_value(value));
    else {
        char *dumped = value != NULL ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
        snprintf(text, sizeof text, "%s", dumped != NULL ? dumped : "undefined");
        free(dumped);
    }
    json_decref(result);
    return text;
}

void browser_wait(struct browser *b, const char *script, const char *value)
{
    const double until = now() + WAIT;
    while (strcmp(browser_value(b, script), value) != 0) {
        if (now() > until)
            fail_msg("%s: %s, not %s; the page says: %s", script, browser_value(b, script), value,
                     strdup(browser_value(b, "document.body.innerText")));
        (void)poll(NULL, 0, 30);
    }
}

void browser_open(struct browser *b, const char *url)
{
    json_decref(browser_call(b, "Page.navigate", json_pack("{s:s}", "url", url)));
    browser_wait(b, "document.readyState", "complete");
    char script[512];
    snprintf(script, sizeof script, "location.href.startsWith('%s')", url);
    browser_wait(b, script, "true");
}

void browser_drop(struct browser *b, const char *path)
{
    static const char *const steps[] = { "dragEnter", "dragOver", "drop" };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        json_decref(browser_call(b, "Input.dispatchDragEvent",
                                 json_pack("{s:s, s:i, s:i, s:{s:[], s:[s], s:i}}", "type",
                                           steps[i], "x", 150, "y", 90, "data", "items", "files",
                                           path, "dragOperationsMask", 1)));
}

void browser_click(struct browser *b, const char *selector)
{
    static const char *const steps[] = { "mousePressed", "mouseReleased" };
    char script[512];
    double x, y;
    snprintf(script, sizeof script,
             "(e => { e.scrollIntoView(); const r = e.getBoundingClientRect();"
             "return (r.x + r.width / 2) + ' ' + (r.y + r.height / 2); })"
             "(document.querySelector('%s'))",
             selector);
    if (sscanf(browser_value(b, script), "%lf %lf", &x, &y) != 2)
        fail_msg("nothing to click at %s", selector);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        json_decref(browser_call(b, "Input.dispatchMouseEvent",
                                 json_pack("{s:s, s:f, s:f, s:s, s:i}", "type", steps[i], "x", x,
                                           "y", y, "button", "left", "clickCount", 1)));
}

void browser_shoot(struct browser *b, const char *name, int width, int height, bool dark)
{
    const char *folder = getenv("GN_SCREENSHOTS");
    char path[4096], script[3 * 4096];
    if (folder == NULL)
        return;
    json_decref(browser_call(b, "Emulation.setDeviceMetricsOverride",
                             json_pack("{s:i, s:i, s:i, s:b}", "width", width, "height", height,
                                       "deviceScaleFactor", 1, "mobile", width < 600)));
    json_decref(browser_call(b, "Emulation.setEmulatedMedia",
                             json_pack("{s:[{s:s, s:s}]}", "features", "name",
                                       "prefers-color-scheme", "value", dark ? "dark" : "light")));
    json_t *shot = browser_call(b, "Page.captureScreenshot", json_pack("{s:s}", "format", "png"));
    snprintf(path, sizeof path, "%.2000s/%.99s.base64", folder, name);
    const char *data = json_string_value(json_object_get(shot, "data"));
    assert_non_null(data);
    test_write_file(path, data, strlen(data));
    snprintf(script, sizeof script, "base64 -d '%s' >'%.2000s/%.99s.png' && rm '%s'", path, folder,
             name, path);
    assert_int_equal(system(script), 0);
    json_decref(shot);
    json_decref(browser_call(b, "Emulation.clearDeviceMetricsOverride", NULL));
    json_decref(browser_call(b, "Emulation.setEmulatedMedia", json_object()));
}
