/*
 * Downloads from a server of this test's own, which lies in every way it can.
 *
 * labels: quick
 */
#include "file/download.h"

#include "file/md5.h"
#include "data/files.h"

#include "gn_config.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SKIPPED = 77 };

static const char content[] = "The bytes of a data set, such as they are.";
static char folder[PATH_BYTES], digest[GN_MD5_HEX];
static int server;
static int requests;
static char base[64];

static void send_text(int fd, const char *text)
{
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* The first line of a head. The server ends every connection after its answer and says so: curl would
 * otherwise send the next request into a connection that is being closed. */
#define HEAD(status) "HTTP/1.1 " status "\r\nConnection: close\r\n"

/* What the server does is said by the first word of the path. */
static void answer(int fd, const char *path)
{
    char head[256];
    if (strncmp(path, "/good/", 6) == 0) {
        (void)snprintf(head, sizeof head, HEAD("200 OK") "Content-Length: %zu\r\n\r\n",
                       strlen(content));
        send_text(fd, head);
        send_text(fd, content);
    } else if (strncmp(path, "/wrong/", 7) == 0) {
        send_text(fd, HEAD("200 OK") "Content-Length: 5\r\n\r\nhello");
    } else if (strncmp(path, "/short/", 7) == 0) {
        send_text(fd, HEAD("200 OK") "Content-Length: 500\r\n\r\nhello");
    } else if (strncmp(path, "/endless/", 9) == 0) {
        send_text(fd, HEAD("200 OK") "\r\n");
        while (send(fd, content, sizeof content, MSG_NOSIGNAL) > 0)
            continue;
    } else if (strncmp(path, "/moved/", 7) == 0) {
        (void)snprintf(head, sizeof head,
                       HEAD("302 Found") "Location: %s/good/x\r\nContent-Length: 0\r\n\r\n", base);
        send_text(fd, head);
    } else if (strncmp(path, "/circle/", 8) == 0) {
        send_text(fd, HEAD("302 Found") "Location: /circle/\r\nContent-Length: 0\r\n\r\n");
    } else if (strncmp(path, "/file/", 6) == 0) {
        send_text(fd, HEAD("302 Found") "Location: file:///etc/passwd\r\n"
                                        "Content-Length: 0\r\n\r\n");
    } else {
        send_text(fd, HEAD("404 Not Found") "Content-Length: 0\r\n\r\n");
    }
}

/* Reads the head of a request, up to its empty line. Closing a socket with unread bytes would reset
 * the connection, and the client might lose the answer. */
static void read_head(int fd, char *head, size_t bytes)
{
    size_t n = 0;
    ssize_t got = 1;
    head[0] = '\0';
    while (strstr(head, "\r\n\r\n") == NULL && n + 1 < bytes && got > 0) {
        got = recv(fd, head + n, bytes - 1 - n, 0);
        n += got > 0 ? (size_t)got : 0;
        head[n] = '\0';
    }
}

/* Ends a connection when the client has read what it wanted: it closes its end then. */
static void hang_up(int fd)
{
    char rest[256];
    (void)shutdown(fd, SHUT_WR);
    while (recv(fd, rest, sizeof rest, 0) > 0)
        continue;
    (void)close(fd);
}

/* One connection after the other until the listening socket is shut down. */
static void *serve(void *unused)
{
    (void)unused;
    for (;;) {
        const int fd = accept(server, NULL, NULL);
        if (fd < 0)
            return NULL;
        char request[2048], path[1024];
        read_head(fd, request, sizeof request);
        if (sscanf(request, "GET %1000s", path) == 1) {
            __atomic_add_fetch(&requests, 1, __ATOMIC_SEQ_CST);
            answer(fd, path);
        }
        hang_up(fd);
    }
}

static int listen_locally(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof address;
    server = socket(AF_INET, SOCK_STREAM, 0);
    if (server < 0 || bind(server, (const struct sockaddr *)&address, n) != 0 ||
        listen(server, 8) != 0 || getsockname(server, (struct sockaddr *)&address, &n) != 0)
        return -1;
    (void)snprintf(base, sizeof base, "http://127.0.0.1:%d", ntohs(address.sin_port));
    return 0;
}

static int setup(void **state)
{
    (void)state;
    make_folder(folder);
    struct gn_md5 md5;
    gn_md5_init(&md5);
    gn_md5_update(&md5, content, strlen(content));
    gn_md5_final(&md5, digest);
    requests = 0;
    return 0;
}

/* Nothing but the wanted file may be left. */
static int teardown(void **state)
{
    (void)state;
    char path[PATH_BYTES + 16];
    (void)snprintf(path, sizeof path, "%s/a/b", folder);
    DIR *list = opendir(path);
    int others = 0;
    const struct dirent *entry;
    while (list != NULL && (entry = readdir(list)) != NULL)
        others += entry->d_name[0] != '.' && strcmp(entry->d_name, "x") != 0;
    if (list != NULL)
        (void)closedir(list);
    remove_folder(folder);
    return others == 0 ? 0 : -1;
}

/* Downloads "x" into FOLDER/a/b from mirrors base/WORD/ for each word. */
static gn_status fetch(const char *first, const char *second, const char *third)
{
    char addresses[3][128], target[PATH_BYTES + 16];
    const char *const words[] = { first, second, third };
    const char *mirrors[4] = { NULL };
    for (int i = 0; i < 3 && words[i] != NULL; i++) {
        (void)snprintf(addresses[i], sizeof addresses[i], "%s/%s/", base, words[i]);
        mirrors[i] = addresses[i];
    }
    const struct gn_download wanted = {
        .what = "toys", .mirrors = mirrors, .file = "x", .md5 = digest, .limit = 100000
    };
    (void)snprintf(target, sizeof target, "%s/a/b", folder);
    gn_clear_error();
    return gn_download(&wanted, target);
}

static bool is_there(void)
{
    char path[PATH_BYTES + 16], text[256] = "";
    (void)snprintf(path, sizeof path, "%s/a/b/x", folder);
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return false;
    const size_t n = fread(text, 1, sizeof text, f);
    (void)fclose(f);
    assert_int_equal(n, strlen(content));
    assert_memory_equal(text, content, n);
    return true;
}

static void require_refused(gn_status status, const char *part)
{
    assert_int_equal(status, GN_STATUS_BAD_DATA);
    if (strstr(gn_error_message(), part) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", gn_error_message(), part);
    assert_false(is_there());
}

static void the_right_bytes_get_their_name(void **state)
{
    (void)state;
    assert_int_equal(fetch("good", NULL, NULL), GN_OK);
    assert_true(is_there());
    assert_int_equal(requests, 1);
}

static void a_mirror_that_fails_is_left_for_the_next(void **state)
{
    (void)state;
    assert_int_equal(fetch("absent", "wrong", "good"), GN_OK);
    assert_true(is_there());
    assert_int_equal(requests, 3);
}

static void a_redirection_is_followed_but_not_to_files(void **state)
{
    (void)state;
    require_refused(fetch("file", NULL, NULL), "no mirror has x");
    require_refused(fetch("circle", NULL, NULL), "redirects");
    assert_int_equal(fetch("moved", NULL, NULL), GN_OK);
    assert_true(is_there());
}

static void wrong_bytes_are_refused_with_both_digests(void **state)
{
    (void)state;
    require_refused(fetch("wrong", NULL, NULL),
                    "sends other bytes (5 with MD5 5d41402abc4b2a76b9719d911017c592, expected ");
    require_refused(fetch("wrong", NULL, NULL), digest);
}

static void a_short_answer_is_refused(void **state)
{
    (void)state;
    require_refused(fetch("short", NULL, NULL), "toys: download: no mirror has x (http://127");
}

static void an_endless_answer_is_cut_off(void **state)
{
    (void)state;
    require_refused(fetch("endless", NULL, NULL), "sends more than 100000 bytes");
}

static void every_mirror_is_named_with_its_reason(void **state)
{
    (void)state;
    require_refused(fetch("absent", "wrong", "endless"), "/absent/: The requested URL returned");
    require_refused(fetch("absent", "wrong", "endless"), "/wrong/: sends other bytes");
    require_refused(fetch("absent", "wrong", "endless"), "/endless/: sends more than");
}

static void a_folder_that_cannot_be_made_is_a_fault_of_the_machine(void **state)
{
    (void)state;
    const struct bytes b = { .size = 0 };
    write_bytes(folder, "a", &b);
    assert_int_equal(fetch("good", NULL, NULL), GN_STATUS_IO);
    assert_non_null(strstr(gn_error_message(), "the folder cannot be made"));
    assert_int_equal(requests, 0);
}

int main(void)
{
    if (!GN_HAVE_CURL) {
        (void)puts("skipped: built without libcurl");
        return SKIPPED;
    }
    /* A proxy would answer in the server's place. */
    (void)setenv("no_proxy", "127.0.0.1", 1);
    pthread_t thread;
    if (listen_locally() != 0 || pthread_create(&thread, NULL, serve, NULL) != 0) {
        (void)printf("skipped: no local server: %s\n", strerror(errno));
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(the_right_bytes_get_their_name),
        TEST(a_mirror_that_fails_is_left_for_the_next),
        TEST(a_redirection_is_followed_but_not_to_files),
        TEST(wrong_bytes_are_refused_with_both_digests),
        TEST(a_short_answer_is_refused),
        TEST(an_endless_answer_is_cut_off),
        TEST(every_mirror_is_named_with_its_reason),
        TEST(a_folder_that_cannot_be_made_is_a_fault_of_the_machine),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)shutdown(server, SHUT_RDWR);
    (void)pthread_join(thread, NULL);
    (void)close(server);
    return failed;
}
