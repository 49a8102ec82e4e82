#include "data/idx_sets.h"

#include "support/check.h"

#include <stdlib.h>

const struct shape idx_small = { .n = 7, .height = 4, .width = 5, .channels = 1, .classes = 3 };

char idx_folder[PATH_BYTES];

int idx_setup(void **state)
{
    (void)state;
    make_folder(idx_folder);
    write_split(idx_folder, true, &idx_small, false);
    write_split(idx_folder, false, &idx_small, false);
    gn_clear_error();
    return 0;
}

int idx_teardown(void **state)
{
    (void)state;
    remove_folder(idx_folder);
    return 0;
}

void idx_refused(const struct gn_dataset_options *options, const char *file, const char *part)
{
    gn_clear_error();
    gn_dataset *data = gn_open_dataset_with(options);
    assert_null(data);
    if (gn_error_status() != GN_STATUS_BAD_DATA || strstr(gn_error_message(), part) == NULL ||
        strstr(gn_error_message(), file) == NULL)
        fail_msg("status %d, \"%s\" lacks \"%s\" or \"%s\"", (int)gn_error_status(),
                 gn_error_message(), file, part);
}

void idx_refused_train(const char *file, const char *part)
{
    const struct gn_dataset_options options = { .data = idx_folder };
    idx_refused(&options, file, part);
}

void idx_write(const char *name, int type, int rank, const uint32_t *dims, size_t n)
{
    uint8_t *zeros = calloc(n + 1, 1);
    struct bytes b = idx_bytes(type, rank, dims, zeros, n);
    write_bytes(idx_folder, name, &b);
    bytes_free(&b);
    free(zeros);
}

void idx_write_packed(const char *name, const struct bytes *gz)
{
    char full[64];
    (void)snprintf(full, sizeof full, "%s.gz", name);
    remove_file(idx_folder, name);
    write_bytes(idx_folder, full, gz);
}

struct bytes idx_labels(void)
{
    const uint32_t dims[] = { 7 };
    const uint8_t labels[] = { 0, 1, 2, 0, 1, 2, 0 };
    return idx_bytes(8, 1, dims, labels, sizeof labels);
}
