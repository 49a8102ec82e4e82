/* googlenet.hpp: what fails throws, what a program's own functions throw comes out, and all is freed. */
#include <googlenet.hpp>

#include <array>
#include <cstring>
#include <iostream>

static int failures = 0;

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            std::cerr << __LINE__ << ": " << #condition << "\n";                                   \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

/* Whether the call throws an error of that status. */
template <typename Call> static bool throws(gn_status status, Call call)
{
    try {
        call();
    } catch (const googlenet::error &error) {
        return error.status() == status && std::strlen(error.what()) > 0;
    }
    return false;
}

static googlenet::net small()
{
    gn_preset_options options{};
    options.size = 32;
    options.channels = 3;
    options.classes = 10;
    options.seed = 3;
    return googlenet::net::preset("googlenet-small", options);
}

static void predict()
{
    googlenet::net net = small();
    const std::array<const char *, 10> names{ "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" };
    googlenet::check(gn_net_set_labels(net.get(), names.data(), 10));
    std::vector<unsigned char> rgb(40 * 50 * 3, 77);
    const gn_pixels image = googlenet::pixels(rgb.data(), 40, 50, GN_PIXELS_RGB);
    googlenet::predictor predictor(net), other(net);
    const auto guesses = predictor.classify(image, 3);
    HOLDS(guesses.size() == 3 && guesses[0].probability >= guesses[1].probability);
    HOLDS(guesses[0].label == names[static_cast<std::size_t>(guesses[0].index)]);
    const std::array<gn_pixels, 2> both{ image, image };
    const auto answers = predictor.run(both);
    HOLDS(answers.size() == 20 &&
          std::equal(answers.begin(), answers.begin() + 10, answers.begin() + 10));
    HOLDS(answers == other.run(both));
    std::array<float, 19> small_room{};
    HOLDS(throws(GN_STATUS_BAD_ARGUMENT, [&] { predictor.run(both, small_room); }));
    HOLDS(throws(GN_STATUS_BAD_DATA, [&] { predictor.classify_file(rgb); }));
    predictor.cancel();
    HOLDS(throws(GN_STATUS_STOPPED, [&] { predictor.run(both); }));
    predictor.cancel(false);
    HOLDS(predictor.run(both) == answers);
    gn_predictor_options features{};
    features.layer = "b1.conv";
    googlenet::predictor of_layer(net, features);
    HOLDS(of_layer.values() == net.values("b1.conv"));
    HOLDS(of_layer.run(both).size() == 2 * of_layer.values());
    const auto moved = std::move(net);
    HOLDS(net.get() == nullptr && moved.info().classes == 10 && moved.labels()[9] == "j");
    moved.save("modern.safetensors");
    HOLDS(gn_net_hash(googlenet::net::load("modern.safetensors").get()) ==
          gn_net_hash(moved.get()));
    HOLDS(throws(GN_STATUS_BAD_MODEL, [] { googlenet::net::load("missing.safetensors"); }));
    HOLDS(throws(GN_STATUS_BAD_ARGUMENT, [&] { moved.values("nothing"); }));
}

static void learn(const std::string &folder)
{
    googlenet::dataset data(folder);
    gn_preset_options preset{};
    preset.size = 32;
    preset.channels = data.info().channels;
    preset.classes = data.info().classes;
    auto net = googlenet::net::preset("googlenet-small", preset);
    gn_fit_options options{};
    options.epochs = 2;
    options.batch = 8;
    options.limit_train = 16;
    int steps = 0;
    HOLDS(net.fit(data, options).epochs().size() == 2);
    const auto history = net.fit(
        data, options, [&](const gn_event &event) { steps += event.kind == GN_EVENT_STEP; });
    HOLDS(steps == 4 && history.best() >= 0);
    HOLDS(throws(GN_STATUS_STOPPED,
                 [&] { net.fit(data, options, [](const gn_event &) { return false; }); }));
    bool came_out = false;
    try {
        net.fit(data, options, [](const gn_event &) { throw 42; });
    } catch (int number) {
        came_out = number == 42;
    }
    HOLDS(came_out);
    googlenet::predictor predictor(net);
    int seen = 0;
    predictor.each(data, 5, [&](const gn_answer &answer) { seen += answer.logits != nullptr; });
    HOLDS(seen == 5);
    predictor.each(data, 5, [&](const gn_answer &) { return ++seen < 7; });
    HOLDS(seen == 7);
    HOLDS(net.evaluate(data).samples == data.info().samples);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    predict();
    learn(argv[1]);
    return failures > 0;
}
