/*
 * Loaded before the program (LD_PRELOAD), which never calls setlocale itself: puts it into the locale
 * of its environment, as a program around the library may.
 */
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

__attribute__((constructor)) static void enter(void)
{
    static const char fault[] = "preload: this locale has no decimal point of its own\n";
    char text[16];
    const char *name = setlocale(LC_ALL, "");
    (void)snprintf(text, sizeof text, "%.1f", 0.5);
    if (name != NULL && (strcmp(name, "C") == 0 || strcmp(text, "0.5") != 0))
        return;
    (void)!write(STDERR_FILENO, fault, sizeof fault - 1);
    _exit(99);
}
