/*
 * The library from C++17: the plain functions take option structs, and unique_ptr frees.
 *
 *   c++ -std=c++17 classify.cpp $(pkg-config --cflags --libs googlenet) -o classify
 *   ./classify model.safetensors picture.png
 *
 * test-args: @MODEL@ @SOURCE@/docs/curves.png
 */
#include <googlenet.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace
{

/* unique_ptr<gn_net, Free<gn_free_net>> calls gn_free_net. */
template <auto function> struct Free {
    template <typename T> void operator()(T *object) const
    {
        function(object);
    }
};
using Net = std::unique_ptr<gn_net, Free<gn_free_net>>;
using Dataset = std::unique_ptr<gn_dataset, Free<gn_close_dataset>>;
using Predictor = std::unique_ptr<gn_predictor, Free<gn_predictor_free>>;

/* An error of the library becomes an exception. */
void check(bool is_good)
{
    if (!is_good)
        throw std::runtime_error(gn_error_message());
}

class Classifier
{
  public:
    explicit Classifier(const std::string &path)
    {
        gn_load_options file{};
        file.path = path.c_str();
        net.reset(gn_load_with(&file));
        check(net != nullptr);
        check(gn_net_describe(net.get(), &info) == GN_OK);
        predictor.reset(gn_predictor_create_with(net.get(), nullptr));
        check(predictor != nullptr);
    }

    std::string operator()(const std::string &picture)
    {
        const Dataset images(gn_open_images(picture.c_str()));
        check(images != nullptr);
        std::vector<float> logits(static_cast<std::size_t>(info.classes));
        gn_predict_options options{};
        options.data = images.get();
        options.n = 1;
        check(gn_predictor_run(predictor.get(), logits.data(), &options) == GN_OK);
        const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
        return info.labels == nullptr ? "class " + std::to_string(best) : info.labels[best];
    }

  private:
    Net net;
    gn_net_info info{};
    Predictor predictor; /* freed before the network that it uses */
};

} // namespace

int main(int argc, char **argv)
{
    if (argc < 3) {
        std::cerr << "usage: classify MODEL PICTURE...\n";
        return 2;
    }
    try {
        Classifier classify(argv[1]);
        for (int i = 2; i < argc; i++)
            std::cout << argv[i] << ": " << classify(argv[i]) << "\n";
    } catch (const std::exception &error) {
        std::cerr << error.what() << "\n";
        return 1;
    }
    return 0;
}
