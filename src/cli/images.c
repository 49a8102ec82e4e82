/* Images given as arguments. */
#include "base/path.h"
#include "cli/images.h"
#include "cli/report.h"
#include "cli/shared.h"

#include <stdlib.h>
#include <string.h>

int cli_open_images(struct cli_images *images, const char *const *paths, size_t n, uint64_t limit)
{
    images->sets = cli_calloc(n + 1, sizeof *images->sets);
    for (size_t i = 0, taken = 1; i < n; i += taken) {
        struct cli_image_set *set = &images->sets[images->n];
        struct gn_dataset_info info;
        set->images = gn_open_image_files(paths + i, n - i, limit, &taken);
        if (!set->images || gn_dataset_describe(set->images, &info) != GN_OK)
            return cli_fail_library();
        images->n++;
        set->path = paths[i];
        set->folder = gn_path_is_folder(paths[i]);
        set->samples = info.samples;
        cli_note_unused(&info);
        cli_note_unread(&info, info.name);
        if ((set->folder || info.height > 0) && limit && limit < set->samples)
            set->samples = limit;
        images->samples += set->samples;
    }
    return CLI_DONE;
}

void cli_close_images(struct cli_images *images)
{
    for (size_t i = 0; i < images->n; i++)
        gn_close_dataset(images->sets[i].images);
    free(images->sets);
    *images = (struct cli_images){ 0 };
}

char *cli_image_file(const gn_dataset *images, const char *path, bool folder, uint64_t *index)
{
    const char *picture = gn_dataset_file(images, *index);
    size_t n = strlen(path);
    if (!picture)
        return cli_format("%s", path);
    *index = 0;
    if (!folder)
        return cli_format("%s", picture);
    while (n > 1 && gn_is_slash(path[n - 1]))
        n--;
    return cli_format("%.*s/%s", (int)n, path, picture);
}

char *cli_image_name(const struct cli_image_set *set, uint64_t index)
{
    const bool is_picture = gn_dataset_file(set->images, index) != NULL;
    char *file = cli_image_file(set->images, set->path, set->folder, &index);
    if (is_picture)
        return file;
    char *name = cli_format("%s[%llu]", file, (unsigned long long)index);
    free(file);
    return name;
}
