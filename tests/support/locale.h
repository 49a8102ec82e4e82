/* Locales whose numbers have a comma, compiled by localedef into the test's folder. */
#ifndef GN_TESTS_LOCALE_H
#define GN_TESTS_LOCALE_H

#include <stdbool.h>

/* de_DE groups digits with points, fr_FR with narrow blanks, "ungrouped" not at all; the point of
 * ps_AF has two bytes. NULL ends the list. */
extern const char *const test_locales[];

/* Puts the process into the locale. False, with a line that says why, where it cannot be made. */
bool test_enter_locale(const char *name);

/* Back to the C locale. */
void test_leave_locale(void);

#endif
