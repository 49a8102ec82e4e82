/* Locales whose numbers have another decimal point than C's, made by locale.sh. */
#ifndef GN_TESTS_LOCALE_H
#define GN_TESTS_LOCALE_H

#include <stdbool.h>

/* The names that locale.sh describes; NULL ends the list. */
extern const char *const test_locales[];

/* Puts the process into the locale. False, with a line that says why, where it cannot be made. */
bool test_enter_locale(const char *name);

/* Back to the C locale. */
void test_leave_locale(void);

#endif
