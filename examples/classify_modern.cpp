/*
 * googlenet.hpp: pictures of a program's own, files and a training, with exceptions in place of codes.
 *
 *   c++ -std=c++17 classify_modern.cpp $(pkg-config --cflags --libs googlenet) -pthread -o classify_modern
 *   ./classify_modern MODEL DATA PICTURE
 *
 * test-args: @MODEL@ @DATA@ @SOURCE@/docs/curves.png
 */
#include <googlenet.hpp>

#include <fstream>
#include <iostream>
#include <iterator>
#include <thread>

namespace
{

std::vector<unsigned char> bytes_of(const std::string &path)
{
    std::ifstream file(path, std::ios::binary);
    if (!file)
        throw std::runtime_error(path + ": cannot be read");
    return { std::istreambuf_iterator<char>(file), {} };
}

/* A frame of a camera, of which a part is looked at without a copy. */
std::vector<float> look_at_a_part(const googlenet::net &net)
{
    enum { HEIGHT = 48, WIDTH = 64, VALUES = 4 };
    std::vector<unsigned char> frame(HEIGHT * WIDTH * VALUES);
    for (std::size_t i = 0; i < frame.size(); i++)
        frame[i] = static_cast<unsigned char>(i * 7);
    googlenet::predictor predictor(net);
    const std::size_t stride = WIDTH * VALUES;
    const gn_pixels part =
        googlenet::pixels(frame.data() + 8 * stride + 16 * VALUES, 32, 32, GN_PIXELS_BGRA, stride);
    std::vector<float> logits(predictor.values());
    predictor.run(googlenet::span<const gn_pixels>(&part, 1), logits);
    return logits;
}

/* The same on several threads, a predictor each: they share the net's weights. */
void look_on_threads(const googlenet::net &net)
{
    std::vector<std::vector<float>> answers(4);
    std::vector<std::thread> threads;
    for (auto &answer : answers)
        threads.emplace_back([&net, &answer] { answer = look_at_a_part(net); });
    for (auto &thread : threads)
        thread.join();
    for (const auto &answer : answers)
        if (answer != answers.front())
            throw std::runtime_error("threads do not agree");
    std::cout << "four threads agree\n";
}

/* One epoch in which every step is reported; a report may end the training by an exception. */
void train(const std::string &folder)
{
    googlenet::dataset data(folder);
    gn_preset_options preset{};
    preset.size = 32;
    preset.channels = data.info().channels;
    preset.classes = data.info().classes;
    auto net = googlenet::net::preset("googlenet-small", preset);
    gn_fit_options options{};
    options.epochs = 1;
    options.batch = 16;
    options.limit_train = 64;
    const auto history = net.fit(data, options, [](const gn_event &event) {
        if (event.kind == GN_EVENT_EPOCH)
            std::cout << "loss " << event.loss << "\n";
    });
    std::cout << history.epochs().size() << " epoch, accuracy " << net.evaluate(data).accuracy
              << "\n";
    try {
        net.fit(data, options, [](const gn_event &) { throw std::runtime_error("enough"); });
    } catch (const std::runtime_error &reason) {
        std::cout << "ended by: " << reason.what() << "\n";
    }
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 4) {
        std::cerr << "usage: classify_modern MODEL DATA PICTURE\n";
        return 2;
    }
    try {
        const auto net = googlenet::net::load(argv[1]);
        googlenet::predictor predictor(net);
        predictor.limit(10); /* seconds */
        for (const auto &guess : predictor.classify_file(bytes_of(argv[3]), 3))
            std::cout << guess.index << " " << guess.label << " " << guess.probability << "\n";
        look_on_threads(net);
        train(argv[2]);
    } catch (const googlenet::error &error) {
        std::cerr << "googlenet: " << error.what() << " (status " << error.status() << ")\n";
        return 1;
    } catch (const std::exception &error) {
        std::cerr << error.what() << "\n";
        return 1;
    }
    return 0;
}
