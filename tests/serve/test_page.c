/* labels: push
 * timeout: 300
 *
 * The page in Chromium: pictures that are dropped, pasted, chosen and taken with a camera; classes, time and
 * the map of what speaks for a class; what it says of other files; the token. GN_SCREENSHOTS=FOLDER keeps
 * pictures of it. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "serve/browser.h"
#include "serve/loopback.h"
#include "support/check.h"
#include "support/files.h"

#include <stdlib.h>

#define PICTURE GN_SOURCE_DIR "/docs/curves.png"

static struct test_server server;
static struct browser browser;
static char url[128];

static int start(void **state)
{
    (void)state;
    server_start(&server, "googlenet-small");
    if (!browser_start(&browser)) {
        (void)server_stop(&server);
        (void)puts("skipped: there is no chromium on this machine");
        exit(77);
    }
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", server.port);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    browser_stop(&browser);
    assert_int_equal(browser.faults, 0);
    assert_int_equal(server_stop(&server), 130);
    return 0;
}

/* Five classes with bars, the first one that which /predict names, and a time. */
static void check_answers(const char *first)
{
    browser_wait(&browser, "document.querySelectorAll('#answers tr').length", "5");
    browser_wait(&browser, "/^[0-9.]+ ms$/.test(document.querySelector('#said').textContent)",
                 "true");
    assert_string_equal(
        browser_value(&browser, "document.querySelectorAll('#answers meter').length"), "5");
    if (first != NULL)
        assert_string_equal(
            browser_value(&browser, "document.querySelector('#answers td').innerText"), first);
}

/* The first label that the server gives to the picture. */
static void first_label(char *label, size_t size)
{
    size_t n;
    struct answer answer;
    uint8_t *png = test_read_file(PICTURE, &n);
    ask(&server, "POST", "/predict", NULL, png, n, &answer);
    free(png);
    if (answer.code == 415)
        skip(); /* this build is without libpng */
    json_t *root = json_loads(answer.body, 0, NULL);
    const json_t *top = json_array_get(json_object_get(root, "top"), 0);
    snprintf(label, size, "%s", json_string_value(json_object_get(top, "label")));
    json_decref(root);
    answer_free(&answer);
}

static void a_picture_is_dropped(void **state)
{
    char label[256];
    (void)state;
    first_label(label, sizeof label);
    browser_open(&browser, url);
    browser_shoot(&browser, "empty-desktop-light", 1280, 800, false);
    browser_drop(&browser, PICTURE);
    check_answers(label);
    assert_string_equal(
        browser_value(&browser, "document.querySelector('#picture').naturalWidth > 0"), "true");
    /* The map lies over the whole picture, as this network sees all of it. */
    browser_wait(&browser, "document.querySelector('#map').hidden", "false");
    assert_string_equal(
        browser_value(
            &browser,
            "JSON.stringify([0, 1, 2, 3].map(i => { const k = ['x', 'y', 'width', "
            "'height'][i], a = document.querySelector('#map').getBoundingClientRect(), b = "
            "document.querySelector('#picture').getBoundingClientRect(); "
            "return Math.abs(a[k] - b[k]) < 1; }))"),
        "[true,true,true,true]");
    assert_string_equal(browser_value(&browser, "document.querySelector('tr.chosen td').innerText"),
                        label);
    browser_shoot(&browser, "desktop-light", 1280, 900, false);
    browser_shoot(&browser, "desktop-dark", 1280, 900, true);
    browser_shoot(&browser, "phone-light", 375, 812, false);
    browser_shoot(&browser, "phone-dark", 375, 812, true);
    /* Nothing lies beyond the right edge of a phone. */
    json_decref(browser_call(&browser, "Emulation.setDeviceMetricsOverride",
                             json_pack("{s:i, s:i, s:i, s:b}", "width", 320, "height", 568,
                                       "deviceScaleFactor", 1, "mobile", 1)));
    browser_wait(&browser, "document.documentElement.scrollWidth <= 320", "true");
    json_decref(browser_call(&browser, "Emulation.clearDeviceMetricsOverride", NULL));
}

static void another_class_has_another_map(void **state)
{
    (void)state;
    browser_open(&browser, url);
    browser_drop(&browser, PICTURE);
    check_answers(NULL);
    browser_wait(&browser, "document.querySelector('tr.chosen') !== null", "true");
    const char script[] = "document.querySelector('#map').toDataURL()";
    char *before = strdup(browser_value(&browser, script));
    browser_click(&browser, "#answers tr:nth-child(3) button");
    browser_wait(&browser, "document.querySelectorAll('#answers tr')[2].className", "chosen");
    assert_string_not_equal(browser_value(&browser, script), before);
    free(before);
    browser_click(&browser, "#looks");
    browser_wait(&browser, "document.querySelector('#map').hidden", "true");
    browser_click(&browser, "#looks");
    browser_wait(&browser, "document.querySelector('#map').hidden", "false");
}

static void other_files_are_named(void **state)
{
    (void)state;
    test_write_file("text.txt", "not a picture", 13);
    test_write_file("broken.png", "not a picture", 13);
    char *folder = realpath(".", NULL), path[4096];
    browser_open(&browser, url);
    snprintf(path, sizeof path, "%s/text.txt", folder);
    browser_drop(&browser, path);
    browser_wait(&browser, "document.querySelector('#said').textContent", "That is not a picture.");
    snprintf(path, sizeof path, "%s/broken.png", folder);
    browser_drop(&browser, path);
    browser_wait(&browser,
                 "document.querySelector('#said').textContent.length > 10 && "
                 "document.querySelector('#said').className",
                 "bad");
    browser_shoot(&browser, "phone-dark-error", 375, 812, true);
    assert_string_equal(browser_value(&browser, "document.querySelectorAll('#answers tr').length"),
                        "0");
    free(folder);
}

static void a_picture_is_pasted(void **state)
{
    char script[512];
    (void)state;
    browser_open(&browser, url);
    json_decref(browser_call(
        &browser, "Browser.grantPermissions",
        json_pack("{s:[s,s]}", "permissions", "clipboardReadWrite", "clipboardSanitizedWrite")));
    snprintf(
        script, sizeof script,
        "(async () => { const canvas = new OffscreenCanvas(60, 40); "
        "canvas.getContext('2d').fillRect(5, 5, 20, 20); await navigator.clipboard.write([new "
        "ClipboardItem({'image/png': await canvas.convertToBlob()})]); return 'written'; })()");
    assert_string_equal(browser_value(&browser, script), "written");
    json_decref(browser_call(&browser, "Input.dispatchKeyEvent",
                             json_pack("{s:s, s:s, s:s, s:i, s:[s]}", "type", "keyDown", "key", "v",
                                       "code", "KeyV", "modifiers", 2, "commands", "paste")));
    check_answers(NULL);
    assert_string_equal(browser_value(&browser, "document.querySelector('#picture').naturalWidth"),
                        "60");
}

static void a_picture_is_taken(void **state)
{
    (void)state;
    browser_open(&browser, url);
    browser_click(&browser, "#camera");
    browser_wait(&browser, "document.querySelector('#video').videoWidth > 0", "true");
    browser_click(&browser, "#camera");
    check_answers(NULL);
    assert_string_equal(browser_value(&browser, "document.querySelector('#video').hidden"), "true");
    assert_string_equal(browser_value(&browser, "document.querySelector('#video').srcObject"),
                        "null");
}

static void the_command_can_be_copied(void **state)
{
    char wanted[256];
    (void)state;
    browser_open(&browser, url);
    json_decref(browser_call(
        &browser, "Browser.grantPermissions",
        json_pack("{s:[s,s]}", "permissions", "clipboardReadWrite", "clipboardSanitizedWrite")));
    browser_click(&browser, "#copy");
    browser_wait(&browser, "document.querySelector('#copy').textContent", "Copied");
    snprintf(wanted, sizeof wanted, "curl --data-binary @picture.jpg '%spredict'", url);
    assert_string_equal(browser_value(&browser, "navigator.clipboard.readText()"), wanted);
}

static void the_token_is_asked_for(void **state)
{
    struct test_server guarded;
    char place[128];
    (void)state;
    test_write_file("token", "correct-horse\n", 14);
    server_start(&guarded, "googlenet-small --token-file token");
    snprintf(place, sizeof place, "http://127.0.0.1:%d/", guarded.port);
    browser_open(&browser, place);
    browser.prompt = "correct-horse";
    browser_drop(&browser, PICTURE);
    check_answers(NULL);
    browser_wait(&browser, "document.querySelector('#map').hidden", "false");
    assert_int_equal(browser.prompts, 1);
    assert_string_equal(
        browser_value(&browser,
                      "document.querySelector('#curl').textContent.includes('Bearer $TOKEN')"),
        "true");
    assert_int_equal(server_stop(&guarded), 130);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture_is_dropped),   cmocka_unit_test(another_class_has_another_map),
        cmocka_unit_test(other_files_are_named),  cmocka_unit_test(a_picture_is_pasted),
        cmocka_unit_test(a_picture_is_taken),     cmocka_unit_test(the_command_can_be_copied),
        cmocka_unit_test(the_token_is_asked_for),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
