/*
 * How errors travel inside the library: a status goes up, the sentence that belongs to it is kept
 * for the thread and read with gn_error_message().
 */
#ifndef GN_BASE_STATUS_H
#define GN_BASE_STATUS_H

#include <googlenet.h>

#include <assert.h>
#include <stdarg.h>

/* 0: a library that predicts and does nothing else (cmake -Dtraining=off, cmake/Prediction.cmake). What
 * stands behind `if (GN_TRAINING)` is then compiled and left out. */
#ifndef GN_TRAINING
#define GN_TRAINING 1
#endif

/* 0: the same for packed weights of 16 bits (cmake -DGN_HALF=ON keeps them). */
#ifndef GN_HALF
#define GN_HALF GN_TRAINING
#endif

enum { GN_MESSAGE_BYTES = 1024 }; /* of a last error, hints included */

/* Records the sentence as this thread's last error and returns `status`. Characters that a terminal
 * must not see become '?'; long names inside the arguments are the caller's to cut (gn_printable). */
gn_status gn_fail(gn_status status, const char *format, ...) GN_PRINTF(2, 3);

/* A sentence for the caller's log, which no error belongs to. */
void gn_say(gn_log_level level, const char *format, ...) GN_PRINTF(2, 3);

/* Appends the line "  hint: ..." to the last error. */
void gn_hint(const char *format, ...) GN_PRINTF(1, 2);

/* The sentence alone, as gn_fail makes it, for whoever reports it without failing. */
void gn_print_sentence(char *text, size_t size, const char *format, va_list args) GN_PRINTF(3, 0);

/* The system's words for an errno value, in a buffer of GN_ERRNO_TEXT bytes (thread-safe). */
enum { GN_ERRNO_TEXT = 128 };
const char *gn_errno_text(int number, char buffer[GN_ERRNO_TEXT]);

/* The thread's last error, put aside while something else may fail and be got over. */
struct gn_kept_error {
    gn_status status;
    char message[GN_MESSAGE_BYTES];
};
void gn_keep_error(struct gn_kept_error *kept);
void gn_restore_error(const struct gn_kept_error *kept);

/* The status of the last error, which must not be lost. Public functions return it for the NULL of
 * a failed constructor; a NULL without an error before it is BAD_ARGUMENT. */
gn_status gn_last_status(void);

/* For public functions: `pointer` is where the caller wants `what`. */
#define GN_NEED(pointer, what)                                                                     \
    do {                                                                                           \
        if ((pointer) == NULL)                                                                     \
            return gn_fail(GN_STATUS_BAD_ARGUMENT, "no place for %s is given", what);              \
    } while (0)

#define GN_TRY(call)                                                                               \
    do {                                                                                           \
        const gn_status gn_try_status = (call);                                                    \
        if (gn_try_status != GN_OK)                                                                \
            return gn_try_status;                                                                  \
    } while (0)

#define GN_FAIL(...) return gn_fail(__VA_ARGS__)

/* Our own bugs, never input. On in debug and test builds (NDEBUG not defined). */
#define GN_ASSERT(condition) assert(condition)

#endif
