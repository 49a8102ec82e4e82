/* What lies at a path, making and listing folders, and files that are written: locks, and what is on the disk. */
#ifndef GN_OS_FOLDERS_H
#define GN_OS_FOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GN_PATH_BYTES = 4096, GN_ENTRY_BYTES = 256 };

bool gn_path_exists(const char *path);
bool gn_path_is_folder(const char *path);
bool gn_path_is_file(const char *path); /* a regular one */

/* What the system says of the file at a path; false: nothing, errno says why. Nanoseconds since 1970: of the last change of
 * its bytes, and of these or of what is said about it. */
struct gn_path_facts {
    uint64_t size;
    int64_t written, changed;
};
bool gn_path_examine(const char *path, struct gn_path_facts *facts);

/* A number that no other file of its folder has now, of a link itself: another file renamed to the path brings another
 * number. 0: there is nothing, errno says why. */
uint64_t gn_path_number(const char *path);

/* What separates folders in a path: on Windows a backslash, too. */
bool gn_is_slash(char c);

/* The last of them; NULL: none. */
const char *gn_path_slash(const char *path);

/* Makes the folder and those above it that are missing; *made (may be NULL) counts them. Returns 0
 * or the errno of what failed; ENOTDIR when something else has the name. */
int gn_make_folders(const char *path, int *made);

/* The path that means the same from every folder, to be freed with free(). NULL: there is nothing at that path. */
char *gn_full_path(const char *path);

/* The names in a folder, with "." and ".."; NULL and errno. A name is good until the next call; NULL: that was the last. */
struct gn_listing;
struct gn_listing *gn_list_folder(const char *path);
const char *gn_list_next(struct gn_listing *listing);
void gn_list_end(struct gn_listing *listing);

/* The file of the running program. False: unknown. */
bool gn_system_program(char *path, size_t size);

/* Where this user's programs keep what can be had again; false: nowhere. */
bool gn_cache_folder(char path[GN_PATH_BYTES]);

/* A folder that a variable of the environment names, "" where it is not set. */
const char *gn_folder_variable(char path[GN_PATH_BYTES], const char *name);

#endif
