/*
 * Downloads with libcurl, the only file that knows it. It is loaded when it is needed: with the
 * thirty libraries that it brings along, every start of the program would take 10 ms more. Plain
 * http is allowed because the digest is known; a mirror that stalls, sends too much or sends other
 * bytes is left for the next one.
 */
#include "file/download.h"

#include "file/file.h"
#include "base/library.h"
#include "file/md5.h"
#include "base/path.h"

#include "gn_config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#if GN_HAVE_CURL

#include <curl/curl.h>
#include <pthread.h>

enum {
    ADDRESS_BYTES = 1024,
    REASON_BYTES = 256,
    REDIRECTS = 5,
    CONNECT_SECONDS = 20,
    STALL_SECONDS = 30,
    STALL_BYTES_PER_SECOND = 1024
};

/* A file on its way. */
struct transfer {
    struct gn_file_writer *writer;
    struct gn_md5 md5;
    uint64_t bytes, limit;
    gn_status status; /* of writing */
    bool too_long;
};

static gn_status make_folders(const char *folder)
{
    char name[GN_PATH_TEXT], reason[GN_ERRNO_TEXT];
    const int number = gn_make_folders(folder, NULL);
    if (number != 0)
        GN_FAIL(GN_STATUS_IO, "%s: download: the folder cannot be made: %s",
                gn_printable(name, sizeof name, folder), gn_errno_text(number, reason));
    return GN_OK;
}

/* libcurl's callback: fewer bytes taken than offered end the transfer. */
static size_t take(char *data, size_t size, size_t n, void *user)
{
    struct transfer *t = user;
    const size_t bytes = size * n;
    if (bytes > t->limit - t->bytes) {
        t->too_long = true;
        return 0;
    }
    t->status = gn_file_append(t->writer, data, bytes);
    if (t->status != GN_OK)
        return 0;
    gn_md5_update(&t->md5, data, bytes);
    t->bytes += bytes;
    return bytes;
}

/* What is used of libcurl; one is a macro, too, which checks the types of its arguments. */
#undef curl_easy_setopt
#define FUNCTIONS(X)                                                                               \
    X(curl_global_init)                                                                            \
    X(curl_easy_init)                                                                              \
    X(curl_easy_setopt)                                                                            \
    X(curl_easy_perform)                                                                           \
    X(curl_easy_strerror)                                                                          \
    X(curl_easy_cleanup)
GN_LIBRARY("libcurl.so.4 libcurl-gnutls.so.4", FUNCTIONS)

static bool started;

static void start(void)
{
    started = load_library() && library.curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

static void set_options(CURL *curl, const char *address, struct transfer *t, char *error)
{
    (void)library.curl_easy_setopt(curl, CURLOPT_URL, address);
    (void)library.curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    (void)library.curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    (void)library.curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    (void)library.curl_easy_setopt(curl, CURLOPT_USERAGENT, "googlenet/" GN_CONFIG_VERSION);
    (void)library.curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)library.curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    (void)library.curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    (void)library.curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)REDIRECTS);
    (void)library.curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    (void)library.curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)STALL_SECONDS);
    (void)library.curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES_PER_SECOND);
#if LIBCURL_VERSION_NUM >= 0x075500
    (void)library.curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)library.curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
    (void)library.curl_easy_setopt(curl, CURLOPT_PROTOCOLS,
                                   (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
    (void)library.curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS,
                                   (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

/* Transfers into t->writer. False with a reason when the answer is not the wanted file; t->status
 * is not OK when this machine is at fault. */
static bool fetch(struct transfer *t, const char *address, const char *md5, char *reason)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char error[CURL_ERROR_SIZE] = "", got[GN_MD5_HEX];
    (void)pthread_once(&once, start);
    CURL *curl = started ? library.curl_easy_init() : NULL;
    if (curl == NULL) {
        (void)snprintf(reason, REASON_BYTES, "libcurl.so.4 is missing or does not start");
        return false;
    }
    set_options(curl, address, t, error);
    const CURLcode code = library.curl_easy_perform(curl);
    library.curl_easy_cleanup(curl);
    gn_md5_final(&t->md5, got);
    if (t->too_long)
        (void)snprintf(reason, REASON_BYTES, "sends more than %" PRIu64 " bytes", t->limit);
    else if (code != CURLE_OK)
        (void)gn_printable(reason, REASON_BYTES,
                           error[0] != '\0' ? error : library.curl_easy_strerror(code));
    else if (strcmp(got, md5) != 0)
        (void)snprintf(reason, REASON_BYTES,
                       "sends other bytes (%" PRIu64 " with MD5 %s, expected %s)", t->bytes, got,
                       md5);
    else
        return true;
    return false;
}

/* One mirror. *had is set when the file has come and has its name. */
static gn_status try_mirror(const struct gn_download *d, const char *path, const char *mirror,
                            char *reason, bool *had)
{
    char address[ADDRESS_BYTES];
    const int n = snprintf(address, sizeof address, "%s%s", mirror, d->file);
    if (n < 0 || n >= ADDRESS_BYTES)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: download: the address is too long", d->what);
    struct transfer t = { .limit = d->limit };
    gn_md5_init(&t.md5);
    t.writer = gn_file_begin(path, "download", 0);
    if (t.writer == NULL)
        return gn_last_status();
    *had = fetch(&t, address, d->md5, reason);
    if (*had)
        return gn_file_commit(t.writer, NULL);
    gn_file_abort(t.writer);
    return t.status;
}

gn_status gn_download(const struct gn_download *download, const char *folder)
{
    char path[GN_PATH_BYTES], list[700] = "", reason[REASON_BYTES];
    if (!gn_path_join(path, folder, download->file))
        GN_FAIL(GN_STATUS_IO, "%s: download: the folder's name is too long", download->what);
    GN_TRY(make_folders(folder));
    size_t used = 0;
    for (int i = 0; download->mirrors[i] != NULL; i++) {
        bool had = false;
        GN_TRY(try_mirror(download, path, download->mirrors[i], reason, &had));
        if (had)
            return GN_OK;
        (void)snprintf(list + used, sizeof list - used, "%s%s: %s", i > 0 ? "; " : "",
                       download->mirrors[i], reason);
        used = strlen(list);
    }
    GN_FAIL(GN_STATUS_BAD_DATA, "%s: download: no mirror has %s (%s)", download->what,
            download->file, list);
}

#else

gn_status gn_download(const struct gn_download *download, const char *folder)
{
    char name[GN_PATH_TEXT];
    (void)gn_fail(GN_STATUS_BAD_DATA,
                  "%s: download: %s is not on this machine, and this build cannot fetch it (it was "
                  "built without libcurl)",
                  download->what, download->file);
    gn_hint("put the file into %s", gn_printable(name, sizeof name, folder));
    return GN_STATUS_BAD_DATA;
}

#endif
