/* The golden picture files, in memory and written to a folder. */
#ifndef GN_TESTS_INFER_PICTURES_H
#define GN_TESTS_INFER_PICTURES_H

#include <googlenet.h>

enum { GOLDEN_KINDS = 4 };

/* File i, two JPEGs and two PNGs in turn; it lives until golden_close. */
struct gn_file_bytes golden_file(int i);
void golden_close(void);

/* Writes files 0 to n - 1 as folder/00.jpg, folder/02.png, ... */
void golden_write(const char *folder, int n);

/* "folder/00.jpg" of file i. */
void golden_path(char path[64], const char *folder, int i);

/* Whether this build reads them. */
bool golden_readable(void);

#endif
