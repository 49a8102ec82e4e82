#include "infer/pictures.h"

#include "formats/safetensors.h"
#include "gn_config.h"
#include "support/check.h"
#include "support/files.h"

#include <sys/stat.h>

static struct gn_st_file *golden;

struct gn_file_bytes golden_file(int i)
{
    static const char *const names[GOLDEN_KINDS] = { "jpeg_turned_1.file", "jpeg_turned_6.file",
                                                     "png_turned.file", "png_bits.file" };
    if (golden == NULL)
        golden = gn_st_open(GN_SOURCE_DIR "/tests/golden/pictures.safetensors");
    assert_non_null(golden);
    const struct gn_st_tensor *file = gn_st_find(golden, names[i % GOLDEN_KINDS]);
    assert_non_null(file);
    return (struct gn_file_bytes){ .bytes = file->data, .size = (size_t)file->shape[0] };
}

void golden_close(void)
{
    gn_st_close(golden);
    golden = NULL;
}

void golden_path(char path[64], const char *folder, int i)
{
    (void)snprintf(path, 64, "%s/%02d.%s", folder, i, i % GOLDEN_KINDS < 2 ? "jpg" : "png");
}

void golden_write(const char *folder, int n)
{
    char path[64];
    (void)mkdir(folder, 0700);
    for (int i = 0; i < n; i++) {
        const struct gn_file_bytes file = golden_file(i);
        golden_path(path, folder, i);
        test_write_file(path, file.bytes, file.size);
    }
}

bool golden_readable(void)
{
    return GN_HAVE_JPEG && GN_HAVE_PNG;
}
