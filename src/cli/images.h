/* Images that a command is given as arguments: pictures, folders of pictures, IDX files. */
#ifndef GN_CLI_IMAGES_H
#define GN_CLI_IMAGES_H

#include <googlenet.h>

/* Some arguments that are one data set. */
struct cli_image_set {
    gn_dataset *images;
    const char *path; /* the first of them */
    bool folder;
    uint64_t samples; /* after the limit */
};
struct cli_images {
    struct cli_image_set *sets;
    size_t n;
    uint64_t samples; /* of all sets */
};

/* Opens all of `paths`; `limit` (0: none) holds for each IDX file and each folder. Returns 0, or the exit
 * code after the fault was named. Close in every case. */
int cli_open_images(struct cli_images *images, const char *const *paths, size_t n, uint64_t limit);
void cli_close_images(struct cli_images *images);

/* The file that image `index` of a set is in, and its number there, which is what *index becomes. Free
 * with free(). */
char *cli_image_file(const gn_dataset *images, const char *path, bool folder, uint64_t *index);

/* The same with the number, where a file holds several: "t10k.idx[3]". */
char *cli_image_name(const struct cli_image_set *set, uint64_t index);

#endif
