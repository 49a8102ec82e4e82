/*
 * Writes a tiny data set in MNIST's four files into a folder: 48 training and 16 test images, 28x28,
 * of ten classes. Each image is a bar whose place depends on its class.
 *
 *   make_idx FOLDER
 */
#include <stdint.h>
#include <stdio.h>

static void put_u32(FILE *f, uint32_t v)
{
    const unsigned char b[4] = { (unsigned char)(v >> 24), (unsigned char)(v >> 16),
                                 (unsigned char)(v >> 8), (unsigned char)v };
    fwrite(b, 1, sizeof b, f);
}

static FILE *create(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return fopen(path, "wb");
}

static int write_split(const char *folder, const char *prefix, uint32_t n)
{
    char name[64];
    snprintf(name, sizeof name, "%s-images-idx3-ubyte", prefix);
    FILE *images = create(folder, name);
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte", prefix);
    FILE *labels = create(folder, name);
    if (images == NULL || labels == NULL)
        return 1;
    put_u32(images, 0x803);
    put_u32(images, n);
    put_u32(images, 28);
    put_u32(images, 28);
    put_u32(labels, 0x801);
    put_u32(labels, n);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t label = i % 10;
        for (uint32_t row = 0; row < 28; row++)
            for (uint32_t col = 0; col < 28; col++)
                fputc(col / 3 == label ? 250 : (int)((row * 7 + col * 3 + i) % 60), images);
        fputc((int)label, labels);
    }
    return (fclose(images) != 0) | (fclose(labels) != 0);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    return write_split(argv[1], "train", 48) | write_split(argv[1], "t10k", 16);
}
