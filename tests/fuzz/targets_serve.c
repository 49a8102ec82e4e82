/* Requests as the server reads them: the body of an inference request, and a form. */
#include "fuzz.h"

#include "gn_config.h"

#if GN_HAVE_MICROHTTPD

#include "serve/infer.h"
#include "serve/unwrap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 4, FLOATS = 6 };

/* JSON, and after a byte 1 the tensors. */
static void infer(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    struct serve_model model = { .info = { .size_h = 2, .size_w = 3, .channels = 1, .classes = 3 },
                                 .input_floats = FLOATS };
    struct serve_infer request = { 0 };
    char *body = fuzz_text(bytes, n);
    const char *mark = memchr(body, 1, n);
    const size_t json = mark == NULL ? n : (size_t)(mark - body);
    (void)target;
    if (mark != NULL) {
        memmove(body + json, body + json + 1, n - json);
        n--;
    }
    const bool taken = serve_infer_parse(&request, &model, body, json, n, MOST);
    FUZZ_REQUIRE(taken == (request.code == 200));
    FUZZ_REQUIRE(taken || request.error[0] != '\0');
    if (taken) {
        fuzz_taken++;
        FUZZ_REQUIRE(request.rows >= 1 && request.rows <= MOST);
        FUZZ_REQUIRE((request.inputs != NULL) + (request.pictures != NULL) +
                         (request.pixels.pixels != NULL) ==
                     1);
        for (int i = 0; request.inputs != NULL && i < request.rows * FLOATS; i++)
            FUZZ_REQUIRE(isfinite(request.inputs[i]));
        size_t sum = 0;
        for (int i = 0; request.pictures != NULL && i < request.rows; i++)
            for (size_t k = 0; k < request.pictures[i].size; k++)
                sum += ((const unsigned char *)request.pictures[i].bytes)[k];
        FUZZ_REQUIRE(sum < SIZE_MAX);
    }
    serve_infer_free(&request);
    free(body);
}

static const char *const infers[] = {
    "{\"id\":\"x\",\"inputs\":[{\"name\":\"input\",\"shape\":[1,2,3,1],\"datatype\":\"FP32\","
    "\"data\":[[[[1],[2.5],[-3e-3]],[[4],[5],[6]]]]}],\"outputs\":[{\"name\":\"logits\","
    "\"parameters\":{\"classification\":2}}]}",
    "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,2,1,3],\"datatype\":\"UINT8\",\"data\":"
    "[0,1,2,253,254,255]}]}",
    "{\"inputs\":[{\"name\":\"input\",\"shape\":[2,1],\"datatype\":\"BYTES\",\"data\":"
    "[\"aGk=\",\"a\\/8\"]}],\"parameters\":{\"binary_data_output\":true}}",
    "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,1,2,1],\"datatype\":\"UINT8\",\"parameters\":"
    "{\"binary_data_size\":2}}]}\001ab",
    "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,2,3,1],\"datatype\":\"FP32\",\"parameters\":"
    "{\"binary_data_size\":24}}]}\001abcdefghijklmnopqrstuvwx",
    NULL
};

static void form(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    const char *part;
    size_t size, sum = 0;
    (void)target;
    if (!serve_multipart("multipart/form-data; boundary=\"x\"", (const char *)bytes, n, &part,
                         &size))
        return;
    fuzz_taken++;
    FUZZ_REQUIRE(part >= (const char *)bytes && part + size <= (const char *)bytes + n);
    for (size_t i = 0; i < size; i++)
        sum += (unsigned char)part[i];
    FUZZ_REQUIRE(sum < SIZE_MAX);
}

static const char *const forms[] = {
    "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x\r\nContent-Disposition: "
    "form-data; name=\"f\"; filename=\"c\"\r\n\r\nbytes\r\n--x--\r\n",
    "preamble\r\n--x\r\nA: b\r\n\r\n\r\n--x--", NULL
};

const struct fuzz_target fuzz_serve_targets[] = {
    { .name = "infer", .run = infer, .texts = infers },
    { .name = "form", .run = form, .texts = forms },
    { .name = NULL },
};

#else

const struct fuzz_target fuzz_serve_targets[] = { { .name = NULL } };

#endif
