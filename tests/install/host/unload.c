/* unload LIBRARY: loads the library, computes on two threads, unloads it, many times: neither threads nor
 * memory remain, and a fork afterwards runs no code that is gone. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <googlenet.h>

enum { SIZE = 32, ROUNDS = 20 };

/* A number of /proc/self/status. */
static long status_of(const char *name)
{
    char line[256];
    long value = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            value = strtol(line + strlen(name), NULL, 10);
    if (file != NULL)
        fclose(file);
    return value;
}

/* A function of the library by name. */
#define GET(library, name)                                                                         \
    __typeof__(&name) name##_;                                                                     \
    *(void **)(&name##_) = dlsym(library, #name)

static int compute(const char *path)
{
    static unsigned char pixels[SIZE * SIZE * 3];
    float logits[10];
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 0;
    }
    GET(library, gn_preset_with);
    GET(library, gn_predictor_create_with);
    GET(library, gn_predictor_run);
    GET(library, gn_predictor_free);
    GET(library, gn_free_net);
    gn_net *net = gn_preset_with_(&(struct gn_preset_options){
        .preset = "googlenet-small", .size = SIZE, .channels = 3, .classes = 10 });
    gn_predictor *p =
        gn_predictor_create_with_(net, &(struct gn_predictor_options){ .threads = 2 });
    const int good =
        gn_predictor_run_(
            p, logits,
            &(struct gn_predict_options){
                .pixels = pixels, .n = 1, .height = SIZE, .width = SIZE, .channels = 3 }) ==
            GN_OK &&
        status_of("Threads:") == 2;
    gn_predictor_free_(p);
    gn_free_net_(net);
    return dlclose(library) == 0 && dlopen(path, RTLD_NOW | RTLD_NOLOAD) == NULL && good;
}

int main(int argc, char **argv)
{
    long after_some = 0;
    if (argc != 2)
        return 2;
    for (int i = 0; i < ROUNDS; i++) {
        if (!compute(argv[1])) {
            fprintf(stderr, "round %d failed, %ld threads\n", i, status_of("Threads:"));
            return 1;
        }
        if (i == 4)
            after_some = status_of("VmData:");
    }
    const pid_t child = fork();
    if (child == 0)
        _exit(7);
    int end = 0;
    waitpid(child, &end, 0);
    const long threads = status_of("Threads:"), grown = status_of("VmData:") - after_some;
    printf("%ld threads, %ld KiB more after %d further rounds\n", threads, grown, ROUNDS - 5);
    return !(threads == 1 && grown < 1024 && WIFEXITED(end) && WEXITSTATUS(end) == 7);
}
