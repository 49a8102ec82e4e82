/*
 * Asks a server (googlenet serve) for the classes of a picture, with libcurl; nothing of this library is
 * needed.
 *
 *   cc serve_client.c $(pkg-config --cflags --libs libcurl) -o serve_client
 *   ./serve_client http://127.0.0.1:8080 cat.jpg
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    enum { LARGEST = 16 << 20 };
    char address[512];
    long code = 0;
    if (argc != 3) {
        fprintf(stderr, "usage: serve_client URL PICTURE\n");
        return 2;
    }
    FILE *in = fopen(argv[2], "rb");
    char *picture = malloc(LARGEST);
    const size_t n = in != NULL && picture != NULL ? fread(picture, 1, LARGEST, in) : 0;
    if (in != NULL)
        fclose(in);
    snprintf(address, sizeof address, "%s/predict", argv[1]);

    CURL *curl = curl_easy_init(); /* prints the answer on stdout */
    CURLcode result = CURLE_FAILED_INIT;
    if (curl != NULL && n > 0) {
        curl_easy_setopt(curl, CURLOPT_URL, address);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, picture);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
        curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L);
        curl_easy_setopt(curl, CURLOPT_NOPROXY, "127.0.0.1,localhost");
        result = curl_easy_perform(curl);
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    }
    if (n == 0)
        fprintf(stderr, "%s: no picture\n", argv[2]);
    else if (result != CURLE_OK)
        fprintf(stderr, "%s: %s\n", address, curl_easy_strerror(result));
    curl_easy_cleanup(curl);
    free(picture);
    return result == CURLE_OK && code == 200 ? 0 : 1;
}
