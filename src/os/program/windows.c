/* What the program alone asks of Windows. */
#include "os/program/program.h"
#include "os/windows.h"

#include <fcntl.h>
#include <io.h>
#include <stdlib.h>
#include <string.h>
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <shellapi.h>

/* ---- The beginning ---- */

static UINT code_page; /* of the terminal, before; 0: there is none */

static void give_back_terminal(void)
{
    (void)SetConsoleOutputCP(code_page);
}

/* The terminal takes UTF-8, and does what the escape sequences of other systems say. */
static void prepare_terminal(void)
{
    static const DWORD streams[] = { STD_OUTPUT_HANDLE, STD_ERROR_HANDLE };
    DWORD mode;
    for (int i = 0; i < 2; i++)
        if (GetConsoleMode(GetStdHandle(streams[i]), &mode))
            (void)SetConsoleMode(GetStdHandle(streams[i]),
                                 mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
    code_page = GetConsoleOutputCP();
    if (code_page != 0 && code_page != CP_UTF8 && SetConsoleOutputCP(CP_UTF8))
        (void)atexit(give_back_terminal);
}

/* They stay until the process ends. */
static bool read_words(int *argc, char ***argv)
{
    int n;
    wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), &n);
    char **words = wide == NULL ? NULL : calloc((size_t)n + 1, sizeof *words);
    if (words == NULL)
        return false;
    for (int i = 0; i < n; i++) {
        const size_t room = 3 * wcslen(wide[i]) + 1;
        words[i] = malloc(room);
        if (words[i] == NULL || !gn_narrow(words[i], room, wide[i]))
            return false;
        for (char *c = words[i]; *c != '\0'; c++)
            if (*c == '\\')
                *c = '/';
    }
    (void)LocalFree(wide);
    *argc = n;
    *argv = words;
    return true;
}

bool gn_program_begin(int *argc, char ***argv)
{
    int file;
    while ((file = _open("NUL", _O_RDWR)) >= 0 && file <= 2)
        ;
    if (file < 0)
        return false;
    (void)_close(file);
    for (int stream = 0; stream <= 2; stream++)
        (void)_setmode(stream, _O_BINARY);
    prepare_terminal();
    return read_words(argc, argv);
}

/* ---- The streams ---- */

static HANDLE handle_of(FILE *stream)
{
    return (HANDLE)_get_osfhandle(_fileno(stream));
}

bool gn_terminal_redraws(FILE *stream)
{
    DWORD mode;
    const char *term = getenv("TERM");
    return GetConsoleMode(handle_of(stream), &mode) != 0 &&
           (mode & ENABLE_VIRTUAL_TERMINAL_PROCESSING) != 0 &&
           (term == NULL || strcmp(term, "dumb") != 0);
}

bool gn_terminal_size(FILE *stream, int *rows, int *columns)
{
    CONSOLE_SCREEN_BUFFER_INFO found;
    if (!GetConsoleScreenBufferInfo(handle_of(stream), &found))
        return false;
    *rows = found.srWindow.Bottom - found.srWindow.Top + 1;
    *columns = found.srWindow.Right - found.srWindow.Left + 1;
    return true;
}

/* A write says so, and nothing else. */
bool gn_reader_is_gone(void)
{
    const HANDLE out = handle_of(stdout);
    DWORD wrote;
    return GetFileType(out) == FILE_TYPE_PIPE && !WriteFile(out, "", 0, &wrote, NULL);
}

/* No process is started there that must not talk. */
void gn_be_silent(void) {}

void gn_be_heard(void) {}

/* ---- Interrupts: the system calls the handler in a thread of its own ---- */

static void (*volatile on_interrupt)(void);

static BOOL WINAPI interrupted(DWORD event)
{
    void (*handler)(void) = on_interrupt;
    if (handler != NULL)
        handler();
    /* A process whose terminal is closed ends when this returns, or after some seconds: the work may end before. */
    if (handler != NULL && event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT)
        Sleep(INFINITE);
    return TRUE;
}

void gn_on_interrupt(void (*handler)(void))
{
    static bool is_set;
    on_interrupt = handler;
    if (!is_set)
        is_set = SetConsoleCtrlHandler(interrupted, TRUE) != 0;
}

void gn_on_request(void (*handler)(bool wants_line))
{
    (void)handler;
}

_Noreturn void gn_leave(const char *sentence, int code)
{
    DWORD wrote;
    (void)WriteFile(GetStdHandle(STD_ERROR_HANDLE), sentence, (DWORD)strlen(sentence), &wrote,
                    NULL);
    (void)TerminateProcess(GetCurrentProcess(), (UINT)code);
    abort();
}
