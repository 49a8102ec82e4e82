/* A program with parallel regions of its own, in which predictors run, with threads of the library's too. */
#include <stdio.h>
#include <string.h>

#include <googlenet.h>
#include <omp.h>

enum { SIZE = 32, USERS = 8, ROUNDS = 10, CLASSES = 10 };

int main(void)
{
    static unsigned char pixels[SIZE * SIZE * 3];
    static float alone[CLASSES], logits[USERS][CLASSES];
    int wrong = 0, most = 0;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (unsigned char)(i * 31);
    gn_net *net = gn_preset("googlenet-small", .size = SIZE, .channels = 3, .classes = CLASSES);
    const struct gn_predict_options image = {
        .pixels = pixels, .n = 1, .height = SIZE, .width = SIZE, .channels = 3
    };
    if (gn_predict_with(net, alone, &image) != GN_OK)
        return 1;
    omp_set_num_threads(USERS);
#pragma omp parallel reduction(+ : wrong) reduction(max : most)
    {
        const int me = omp_get_thread_num();
        gn_predictor *p = gn_predictor_create(net, 1, .threads = 1 + me % 3);
        most = omp_get_num_threads();
        for (int i = 0; i < ROUNDS; i++) {
#pragma omp barrier
            if (gn_predictor_run(p, logits[me], &image) != GN_OK ||
                memcmp(logits[me], alone, sizeof alone) != 0)
                wrong++;
        }
        gn_predictor_free(p);
    }
    gn_free_net(net);
    printf("%d threads of the program's own, %d wrong answers\n", most, wrong);
    return most == USERS && wrong == 0 ? 0 : 1;
}
