/* What is refused before a byte of a request's body is read. */
#include "serve/gate.h"

#include "base/number.h"

#include <string.h>
#include <strings.h>

struct look {
    struct serve_head *head;
    int hosts, lengths, encodings, transfer_encodings, types, authorizations, json_lengths;
    const char *length, *transfer_encoding;
    const char *why;
};

static bool is_token(const char *text, size_t n)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < n; i++) {
        const char c = text[i];
        const bool is_plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_plain && (c == '\0' || !strchr(marks, c)))
            return false;
    }
    return n > 0;
}

static bool is_clean(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* Counts the header and keeps its value. */
static void count(int *n, const char **place, const char *value)
{
    ++*n;
    *place = value;
}

static enum MHD_Result look_at(void *argument, enum MHD_ValueKind kind, const char *key,
                               size_t key_n, const char *value, size_t value_n)
{
    struct look *look = argument;
    int hosts = 0;
    const char *host;
    (void)kind;
    if (!value)
        value = "";
    if (!is_token(key, key_n))
        look->why = "a header's name has a blank or another character that it must not have";
    else if (!is_clean(value, value_n))
        look->why = "a header's value has a control character";
    else if (strcasecmp(key, "Host") == 0)
        count(&look->hosts, &host, value);
    else if (strcasecmp(key, "Content-Length") == 0)
        count(&look->lengths, &look->length, value);
    else if (strcasecmp(key, "Transfer-Encoding") == 0)
        count(&look->transfer_encodings, &look->transfer_encoding, value);
    else if (strcasecmp(key, "Content-Encoding") == 0)
        count(&look->encodings, &look->head->encoding, value);
    else if (strcasecmp(key, "Content-Type") == 0)
        count(&look->types, &look->head->type, value);
    else if (strcasecmp(key, "Authorization") == 0)
        count(&look->authorizations, &look->head->authorization, value);
    else if (strcasecmp(key, "Inference-Header-Content-Length") == 0)
        count(&look->json_lengths, &look->head->json_length, value);
    (void)hosts;
    return look->why ? MHD_NO : MHD_YES;
}

/* A method, an address and a version that this server takes at all. */
static int check_line(const char *url, const char *method, const char *version, const char **why)
{
    const size_t n = strlen(url);
    *why = "the version is neither HTTP/1.0 nor HTTP/1.1";
    if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
        return 505;
    *why = "the method is not a word";
    if (!is_token(method, strlen(method)))
        return 400;
    *why = "the address must begin with a slash";
    if (url[0] != '/')
        return 400;
    *why = "the address has a blank or a control character";
    return is_clean(url, n) && !strchr(url, ' ') && !strchr(url, '\t') ? 200 : 400;
}

static const char *contradiction(const struct look *look, bool is_old)
{
    if (look->why)
        return look->why;
    if (look->hosts > 1)
        return "more than one Host";
    if (look->hosts == 0 && !is_old)
        return "no Host";
    if (look->lengths > 1)
        return "more than one Content-Length";
    if (look->transfer_encodings > 1)
        return "more than one Transfer-Encoding";
    if (look->lengths && look->transfer_encodings)
        return "Content-Length and Transfer-Encoding";
    if (look->transfer_encodings && is_old)
        return "Transfer-Encoding with HTTP/1.0";
    if (look->transfer_encodings && strcmp(look->transfer_encoding, "chunked") != 0)
        return "a Transfer-Encoding that is not chunked";
    if (look->encodings > 1 || look->types > 1 || look->authorizations > 1 ||
        look->json_lengths > 1)
        return "a header twice that must be there once";
    return NULL;
}

int serve_gate(struct MHD_Connection *connection, const char *url, const char *method,
               const char *version, struct serve_head *head, const char **why)
{
    struct look look = { .head = head };
    *head = (struct serve_head){ 0 };
    const int code = check_line(url, method, version, why);
    if (code != 200)
        return code;
    serve_mhd.MHD_get_connection_values_n(connection, MHD_HEADER_KIND, look_at, &look);
    *why = contradiction(&look, strcmp(version, "HTTP/1.0") == 0);
    if (*why)
        return 400;
    *why = "the Content-Length is not a number";
    if (look.lengths && !gn_whole_parse(look.length, &head->length))
        return 400;
    head->has_length = look.lengths == 1;
    head->is_chunked = look.transfer_encodings == 1;
    *why = "a POST has a Content-Length or is chunked";
    if (strcmp(method, "POST") == 0 && !head->has_length && !head->is_chunked)
        return 411;
    *why = NULL;
    return 200;
}
