/* labels: quick
 *
 * Opening files safely; replacing them so that no failing call, full disk or kill loses one. */
#define _GNU_SOURCE
#include "file/file.h"
#include "base/memory.h"
#include "support/check.h"
#include "support/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char old_text[] = "the old bytes", new_text[] = "the new bytes, which are longer";
static const char older_text[] = "older";

/* ---- Reading ---- */

static void refuses_what_is_no_file(void **state)
{
    (void)state;
    struct gn_bytes bytes = { NULL, 0 };
    assert_int_equal(mkdir("folder", 0777), 0);
    assert_int_equal(mkfifo("pipe", 0666), 0);
    const int unix_socket = socket(AF_UNIX, SOCK_STREAM, 0);
    const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
    assert_int_equal(bind(unix_socket, (const struct sockaddr *)&address, sizeof address), 0);
    test_write_file("plain", "x", 1);
    static const struct {
        const char *path, *part;
    } cases[] = {
        { "missing", "missing: IDX: there is no such file" },
        { "", ": IDX: there is no such file" },
        { "folder", "folder: IDX: is a folder, not a file" },
        { "pipe", "pipe: IDX: is a pipe, not a file" },
        { "socket", "socket: IDX: cannot be opened" },
        { "/dev/zero", "/dev/zero: IDX: is a character device, not a file" },
        { "plain/below", "plain/below: IDX: cannot be opened: Not a directory" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(gn_file_read(cases[i].path, "IDX", GN_STATUS_BAD_DATA, 100, &bytes),
                         GN_STATUS_BAD_DATA);
        check_error(GN_STATUS_BAD_DATA, cases[i].part);
        assert_null(bytes.data);
    }
    (void)close(unix_socket);
    assert_int_equal(unlink("socket") | unlink("pipe") | rmdir("folder") | unlink("plain"), 0);
}

static void reads_whole_files_up_to_a_limit(void **state)
{
    (void)state;
    struct gn_bytes bytes = { NULL, 0 };
    test_write_file("ten", "0123456789", 10);
    assert_int_equal(gn_file_read("ten", "IDX", GN_STATUS_BAD_DATA, 10, &bytes), GN_OK);
    assert_int_equal(bytes.size, 10);
    assert_memory_equal(bytes.data, "0123456789", 10);
    gn_free(bytes.data);
    assert_int_equal(gn_file_read("ten", "IDX", GN_STATUS_BAD_DATA, 9, &bytes), GN_STATUS_BAD_DATA);
    check_error(GN_STATUS_BAD_DATA, "ten: IDX: too large (10 bytes, limit 9)");
    test_write_file("empty", "", 0);
    assert_int_equal(gn_file_read("empty", "IDX", GN_STATUS_BAD_DATA, 0, &bytes), GN_OK);
    assert_int_equal(bytes.size, 0);
    gn_free(bytes.data);
    gn_alloc_fail_after(1, false);
    assert_int_equal(gn_file_read("ten", "IDX", GN_STATUS_BAD_DATA, 10, &bytes),
                     GN_STATUS_NO_MEMORY);
    gn_clear_error();
}

static void tells_where_a_file_ends(void **state)
{
    (void)state;
    struct gn_file file;
    char buffer[16];
    test_write_file("ten", "0123456789", 10);
    for (int memory = 0; memory < 2; memory++) {
        if (memory)
            gn_file_of_bytes(&file, "0123456789", 10, "ten", "IDX", GN_STATUS_BAD_DATA);
        else
            assert_int_equal(gn_file_open(&file, "ten", "IDX", GN_STATUS_BAD_DATA), GN_OK);
        assert_true(file.size == 10);
        assert_int_equal(gn_file_pread(&file, buffer, 4, 6), GN_OK);
        assert_memory_equal(buffer, "6789", 4);
        assert_int_equal(gn_file_pread(&file, buffer, 5, 6), GN_STATUS_BAD_DATA);
        check_error(GN_STATUS_BAD_DATA, "ends too early (1 bytes more were expected) at byte 10");
        assert_int_equal(gn_file_pread(&file, buffer, 1, 11), GN_STATUS_BAD_DATA);
        check_error(GN_STATUS_BAD_DATA, "ends too early (1 bytes more were expected) at byte 11");
        assert_int_equal(gn_file_pread(&file, buffer, 5, UINT64_MAX - 2), GN_STATUS_BAD_DATA);
        gn_clear_error();
        gn_file_close(&file);
    }
}

static void escapes_names_in_messages(void **state)
{
    (void)state;
    struct gn_bytes bytes;
    assert_int_equal(gn_file_read("a\033[31mb\nc", "IDX", GN_STATUS_BAD_DATA, 1, &bytes),
                     GN_STATUS_BAD_DATA);
    check_error(GN_STATUS_BAD_DATA, "a?[31mb?c: IDX");
}

/* ---- Replacing ---- */

static gn_status save(const char *previous)
{
    return gn_file_write("out/f", "test", new_text, sizeof new_text, previous);
}

/* A folder with two generations of a file. */
static void prepare(void)
{
    (void)mkdir("out", 0777);
    test_write_file("out/f", old_text, sizeof old_text);
    test_write_file("out/f.previous", older_text, sizeof older_text);
}

static void writes_and_replaces(void **state)
{
    (void)state;
    (void)mkdir("out", 0777);
    assert_int_equal(save(NULL), GN_OK);
    assert_true(test_file_is("out/f", new_text, sizeof new_text));
    prepare();
    assert_int_equal(save(NULL), GN_OK);
    assert_true(test_file_is("out/f", new_text, sizeof new_text));
    assert_true(test_file_is("out/f.previous", older_text, sizeof older_text));
    assert_int_equal(test_count_entries("out"), 2);
}

static void programs_replace_files_alike(void **state)
{
    (void)state;
    prepare();
    assert_int_equal(gn_write_file("out/f", new_text, sizeof new_text), GN_OK);
    assert_true(test_file_is("out/f", new_text, sizeof new_text));
    assert_int_equal(gn_write_file("out/f", NULL, 0), GN_OK);
    assert_true(test_file_is("out/f", "", 0));
    assert_int_equal(gn_write_file(NULL, new_text, 1), GN_STATUS_BAD_ARGUMENT);
    assert_int_equal(gn_write_file("out/f", NULL, 1), GN_STATUS_BAD_ARGUMENT);
    assert_int_equal(symlink("f", "out/link"), 0);
    assert_int_equal(gn_write_file("out/link", new_text, 1),
                     GN_OK); /* the link, not what it names */
    assert_true(test_file_is("out/link", new_text, 1));
    assert_true(test_file_is("out/f", "", 0));
    assert_int_equal(unlink("out/link"), 0);
}

static void keeps_the_generation_before(void **state)
{
    (void)state;
    prepare();
    assert_int_equal(save("out/f.previous"), GN_OK);
    assert_true(test_file_is("out/f", new_text, sizeof new_text));
    assert_true(test_file_is("out/f.previous", old_text, sizeof old_text));
    /* Nothing to keep yet. */
    assert_int_equal(unlink("out/f") | unlink("out/f.previous"), 0);
    assert_int_equal(save("out/f.previous"), GN_OK);
    assert_true(test_file_is("out/f", new_text, sizeof new_text));
    assert_int_equal(test_count_entries("out"), 1);
}

static void works_without_hard_links(void **state)
{
    (void)state;
    prepare();
    gn_file_fail_after(GN_FILE_CALL_LINK, 1, EPERM);
    assert_int_equal(save("f.previous"), GN_OK);
    assert_true(test_file_is("out/f", new_text, sizeof new_text));
    assert_true(test_file_is("out/f.previous", old_text, sizeof old_text));
    assert_int_equal(test_count_entries("out"), 2);
}

static void short_and_interrupted_writes_are_completed(void **state)
{
    (void)state;
    static const int numbers[] = { 0, EINTR };
    for (size_t i = 0; i < 2; i++) {
        prepare();
        gn_file_fail_after(GN_FILE_CALL_WRITE, 1, numbers[i]);
        assert_int_equal(save(NULL), GN_OK);
        assert_true(test_file_is("out/f", new_text, sizeof new_text));
    }
}

/* Every call in turn fails: the old file stays whole, or the new one is there whole; a success is
 * only reported when it is. */
static void no_failing_call_loses_a_file(void **state)
{
    (void)state;
    static const char *const previous[] = { NULL, "out/f.previous" };
    static const int numbers[] = { ENOSPC, EIO, EDQUOT };
    for (size_t p = 0; p < 2; p++)
        for (size_t e = 0; e < 3; e++) {
            prepare();
            const uint64_t before = gn_file_calls();
            assert_int_equal(save(previous[p]), GN_OK);
            const uint64_t calls = gn_file_calls() - before;
            assert_true(calls >= 6);
            for (uint64_t k = 1; k <= calls; k++) {
                prepare();
                gn_file_fail_after(GN_FILE_CALL_ANY, k, numbers[e]);
                const gn_status status = save(previous[p]);
                gn_file_fail_after(GN_FILE_CALL_NONE, 0, 0);
                const bool is_new = test_file_is("out/f", new_text, sizeof new_text);
                const bool is_old = test_file_is("out/f", old_text, sizeof old_text);
                assert_true(is_new || (is_old && status != GN_OK));
                assert_true(test_file_is("out/f.previous", older_text, sizeof older_text) ||
                            test_file_is("out/f.previous", old_text, sizeof old_text));
                assert_int_equal(test_count_entries("out"), 2);
                if (status != GN_OK)
                    check_error(GN_STATUS_IO, "out/f: test: cannot save (");
            }
        }
}

static void a_failed_write_names_the_reason(void **state)
{
    (void)state;
    prepare();
    gn_file_fail_after(GN_FILE_CALL_WRITE, 1, ENOSPC);
    assert_int_equal(save(NULL), GN_STATUS_IO);
    check_error(GN_STATUS_IO, "No space left on device");
    struct gn_file_writer *writer = gn_file_begin("out/f", "test", UINT64_C(1) << 60);
    assert_null(writer);
    check_error(GN_STATUS_IO, "B free): No space left on device");
    assert_true(test_file_is("out/f", old_text, sizeof old_text));
}

static void refuses_impossible_targets(void **state)
{
    (void)state;
    prepare();
    (void)mkdir("out/sub", 0777);
    static const struct {
        const char *path, *part;
    } cases[] = {
        { "none/f", "none/f: test: cannot save, the folder \"none\" cannot be opened: No such" },
        { "out/f/g", "cannot save, the folder \"out/f\" cannot be opened: Not a directory" },
        { "out/sub", "out/sub: test: cannot save, this name belongs to a folder" },
        { "out/", "out/: test: cannot save, this is a folder and no file name" },
        { "", ": test: cannot save, this is a folder" },
        { "/dev/null", "/dev/null: test: cannot save, this name belongs to a pipe or device" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(gn_file_write(cases[i].path, "test", "x", 1, NULL), GN_STATUS_IO);
        check_error(GN_STATUS_IO, cases[i].part);
    }
    assert_int_equal(rmdir("out/sub"), 0);
    if (geteuid() != 0) {
        assert_int_equal(chmod("out", 0555), 0);
        assert_int_equal(save(NULL), GN_STATUS_IO);
        check_error(GN_STATUS_IO, "Permission denied");
        assert_int_equal(chmod("out", 0777), 0);
    }
    assert_true(test_file_is("out/f", old_text, sizeof old_text));
}

static void replaces_the_leftover_of_a_dead_process(void **state)
{
    (void)state;
    char name[64];
    prepare();
    (void)snprintf(name, sizeof name, "out/f.tmp.%ld", (long)getpid());
    test_write_file(name, "half", 4);
    assert_int_equal(save(NULL), GN_OK);
    assert_true(test_file_is("out/f", new_text, sizeof new_text));
    assert_false(test_exists(name));
}

static void no_failing_allocation_loses_a_file(void **state)
{
    (void)state;
    prepare();
    const uint64_t before = gn_alloc_count();
    assert_int_equal(save(NULL), GN_OK);
    const uint64_t n = gn_alloc_count() - before;
    for (uint64_t k = 1; k <= n; k++) {
        prepare();
        gn_alloc_fail_after(k, true);
        assert_int_equal(save(NULL), GN_STATUS_NO_MEMORY);
        gn_alloc_fail_after(0, false);
        gn_clear_error();
        assert_true(test_file_is("out/f", old_text, sizeof old_text));
        assert_int_equal(test_count_entries("out"), 2);
    }
}

/* ---- A real full disk, real kills ---- */

static void a_full_disk_keeps_the_old_file(void **state)
{
    (void)state;
    (void)mkdir("full", 0777);
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", "full", "tmpfs", 0, "size=64k") != 0) {
        print_message("left out: a small file system cannot be mounted here\n");
        skip();
    }
    static uint8_t large[128 << 10];
    test_write_file("full/f", old_text, sizeof old_text);
    assert_int_equal(gn_file_write("full/f", "test", large, sizeof large, NULL), GN_STATUS_IO);
    check_error(GN_STATUS_IO,
                "cannot save (needs 140.8 KiB, 60.0 KiB free): No space left on device");
    /* Without the expected size only the write notices. */
    struct gn_file_writer *writer = gn_file_begin("full/f", "test", 0);
    assert_non_null(writer);
    (void)gn_file_append(writer, large, sizeof large);
    assert_int_equal(gn_file_commit(writer, NULL), GN_STATUS_IO);
    check_error(GN_STATUS_IO, "No space left on device");
    assert_true(test_file_is("full/f", old_text, sizeof old_text));
    assert_int_equal(test_count_entries("full"), 1);
    assert_int_equal(umount2("full", MNT_DETACH), 0);
}

static void a_file_size_limit_keeps_the_old_file(void **state)
{
    (void)state;
    prepare();
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 8;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    const gn_status status = save(NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    assert_int_equal(status, GN_STATUS_IO);
    check_error(GN_STATUS_IO, "File too large");
    assert_true(test_file_is("out/f", old_text, sizeof old_text));
    assert_int_equal(test_count_entries("out"), 2);
}

static void a_kill_leaves_one_whole_generation(void **state)
{
    (void)state;
    enum { SIZE = 100000 };
    static uint8_t generations[2][SIZE];
    memset(generations[0], 'a', SIZE);
    memset(generations[1], 'b', SIZE);
    (void)mkdir("killed", 0777);
    test_write_file("killed/f", generations[0], SIZE);
    for (int round = 0; round < 40; round++) {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            for (int i = 0;; i++)
                if (gn_file_write("killed/f", "test", generations[i % 2], SIZE, "f.old") != GN_OK)
                    _exit(1);
        (void)usleep((useconds_t)(500 + 137 * round));
        assert_int_equal(kill(child, SIGKILL), 0);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_true(test_file_is("killed/f", generations[0], SIZE) ||
                    test_file_is("killed/f", generations[1], SIZE));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_is_no_file),
        cmocka_unit_test(reads_whole_files_up_to_a_limit),
        cmocka_unit_test(tells_where_a_file_ends),
        cmocka_unit_test(escapes_names_in_messages),
        cmocka_unit_test(writes_and_replaces),
        cmocka_unit_test(programs_replace_files_alike),
        cmocka_unit_test(keeps_the_generation_before),
        cmocka_unit_test(works_without_hard_links),
        cmocka_unit_test(short_and_interrupted_writes_are_completed),
        cmocka_unit_test(no_failing_call_loses_a_file),
        cmocka_unit_test(a_failed_write_names_the_reason),
        cmocka_unit_test(refuses_impossible_targets),
        cmocka_unit_test(replaces_the_leftover_of_a_dead_process),
        cmocka_unit_test(no_failing_allocation_loses_a_file),
        cmocka_unit_test(a_full_disk_keeps_the_old_file),
        cmocka_unit_test(a_file_size_limit_keeps_the_old_file),
        cmocka_unit_test(a_kill_leaves_one_whole_generation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
