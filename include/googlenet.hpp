/*
 * googlenet.hpp - the library from C++17: objects that free themselves, exceptions, spans.
 *
 *     #include <googlenet.hpp>
 *
 *     googlenet::net net = googlenet::net::load("model.safetensors");
 *     googlenet::predictor predictor(net);
 *     for (const auto &guess : predictor.classify_file(bytes, 3))
 *         std::cout << guess.label << " " << guess.probability << "\n";
 *
 * Header only, over googlenet.h, which documents what the functions do. Options are its structs, made
 * with all zeros (every default) and filled in:
 *
 *     gn_fit_options options{};
 *     options.epochs = 5;
 *     net.fit(train, options, [](const gn_event &event) { ... });
 *
 * A call that fails throws googlenet::error, with the sentence and the status of the library. What a
 * program's own function throws inside of a call (a report of a training, an answer) ends the call and comes
 * out of it. Objects can be moved, not copied; one is used by one thread at a time, but for a net
 * that nobody changes: any number of predictors read it. `get()` gives the pointer for functions of
 * googlenet.h that have no method here.
 */
#ifndef GOOGLENET_HPP
#define GOOGLENET_HPP

#include <googlenet.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace googlenet
{

/* A call failed: `status` says how, what() in a sentence. */
class error : public std::runtime_error
{
  public:
    error(gn_status status, const std::string &message)
        : std::runtime_error(message), status_(status)
    {
    }
    gn_status status() const noexcept
    {
        return status_;
    }

  private:
    gn_status status_;
};

/* What failed becomes an exception. */
inline void check(gn_status status)
{
    if (status != GN_OK)
        throw error(status, gn_error_message());
}

/* The same for what is NULL then. */
template <typename T> T *check(T *object)
{
    if (object == nullptr)
        throw error(gn_error_status(), gn_error_message());
    return object;
}

/* Values of the caller that lie next to each other, as std::span of C++20. */
template <typename T> class span
{
  public:
    constexpr span() noexcept = default;
    constexpr span(T *data, std::size_t size) noexcept : data_(data), size_(size) {}
    template <std::size_t N> constexpr span(T (&array)[N]) noexcept : data_(array), size_(N) {}
    /* A vector, an array, a string, a std::span. */
    template <typename C,
              typename = std::enable_if_t<
                  std::is_convertible_v<decltype(std::declval<C &>().data()), T *> &&
                  std::is_convertible_v<decltype(std::declval<C &>().size()), std::size_t>>>
    constexpr span(C &&container) noexcept : data_(container.data()), size_(container.size())
    {
    }
    constexpr T *data() const noexcept
    {
        return data_;
    }
    constexpr std::size_t size() const noexcept
    {
        return size_;
    }
    constexpr bool empty() const noexcept
    {
        return size_ == 0;
    }
    constexpr T *begin() const noexcept
    {
        return data_;
    }
    constexpr T *end() const noexcept
    {
        return data_ + size_;
    }
    constexpr T &operator[](std::size_t i) const
    {
        return data_[i];
    }
    constexpr span part(std::size_t first, std::size_t n) const
    {
        return span(data_ + first, n);
    }

  private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};

namespace detail
{

/* unique_ptr<gn_net, free_with<gn_free_net>> calls gn_free_net. */
template <auto function> struct free_with {
    template <typename T> void operator()(T *object) const noexcept
    {
        function(object);
    }
};

/* A function of the program that C code calls: what it throws waits until the call has ended. */
template <typename... Arguments> struct guarded {
    std::function<bool(Arguments...)> function; /* false: end the call */
    std::exception_ptr thrown;
    volatile int ended = 0;

    bool operator()(Arguments... arguments) noexcept
    {
        if (ended != 0)
            return false;
        try {
            ended = function(arguments...) ? 0 : 1;
        } catch (...) {
            thrown = std::current_exception();
            ended = 1;
        }
        return ended == 0;
    }
    void rethrow()
    {
        if (thrown)
            std::rethrow_exception(thrown);
    }
};

} // namespace detail

/* Owns an object of the library. */
template <typename T, auto release> class handle
{
  public:
    explicit handle(T *object) : object_(check(object)) {}
    T *get() const noexcept
    {
        return object_.get();
    }

  private:
    std::unique_ptr<T, detail::free_with<release>> object_;
};

/* ---- Data ---- */

/* gn_dataset: labelled images. */
class dataset : public handle<gn_dataset, gn_close_dataset>
{
  public:
    using handle::handle;
    explicit dataset(const std::string &data, gn_split split = GN_TRAIN,
                     gn_dataset_options options = {})
        : handle(open(data, split, options))
    {
    }
    /* Pictures without labels: a file, a folder, an IDX file. */
    static dataset images(const std::string &path)
    {
        return dataset(gn_open_images(path.c_str()));
    }
    gn_dataset_info info() const
    {
        gn_dataset_info info{};
        check(gn_dataset_describe(get(), &info));
        return info;
    }
    std::vector<std::string> labels() const
    {
        const gn_dataset_info all = info();
        if (all.labels == nullptr)
            return {};
        return std::vector<std::string>(all.labels, all.labels + all.classes);
    }

  private:
    static gn_dataset *open(const std::string &data, gn_split split, gn_dataset_options &options)
    {
        options.data = data.c_str();
        options.split = split;
        return gn_open_dataset_with(&options);
    }
};

/* gn_history: what a training reported, an epoch each. */
class history : public handle<gn_history, gn_free_history>
{
  public:
    using handle::handle;
    std::vector<gn_epoch> epochs() const
    {
        std::vector<gn_epoch> all(static_cast<std::size_t>(gn_history_epochs(get())));
        for (std::size_t i = 0; i < all.size(); i++)
            check(gn_history_epoch(get(), static_cast<int>(i), &all[i]));
        return all;
    }
    int best() const
    {
        return gn_history_best(get());
    }
};

/* ---- Networks ---- */

/* gn_net: a network with its parameters. */
class net : public handle<gn_net, gn_free_net>
{
  public:
    using handle::handle;
    static net preset(const std::string &name, gn_preset_options options = {})
    {
        options.preset = name.c_str();
        return net(gn_preset_with(&options));
    }
    static net load(const std::string &path, gn_load_options options = {})
    {
        options.path = path.c_str();
        return net(gn_load_with(&options));
    }
    /* A model file that the program holds in memory, such as one linked into it. */
    static net load(span<const unsigned char> file, gn_load_options options = {})
    {
        gn_file_bytes bytes{};
        bytes.bytes = file.data();
        bytes.size = file.size();
        options.bytes = &bytes;
        return net(gn_load_with(&options));
    }
    /* Another program's file; see gn_import_with. */
    static net import(const std::string &path, gn_import_options options = {})
    {
        options.path = path.c_str();
        return net(gn_import_with(&options));
    }
    void save(const std::string &path) const
    {
        check(gn_save(get(), path.c_str()));
    }
    void export_to(const std::string &path, gn_export_options options = {}) const
    {
        options.path = path.c_str();
        check(gn_export_with(get(), &options));
    }
    gn_net_info info() const
    {
        gn_net_info info{};
        check(gn_net_describe(get(), &info));
        return info;
    }
    std::vector<std::string> labels() const
    {
        const gn_net_info all = info();
        if (all.labels == nullptr)
            return {};
        return std::vector<std::string>(all.labels, all.labels + all.classes);
    }
    /* Values of a layer for an image; of the features without a name. */
    std::size_t values(const std::string &layer = "") const
    {
        std::size_t n = 0;
        check(gn_find_layer(get(), layer.empty() ? nullptr : layer.c_str(), nullptr, &n));
        return n;
    }
    /* Trains; `report` hears of every step and epoch, and ends the training by returning false, where it
     * returns anything: then, as on any error, an exception is thrown. */
    template <typename Report>
    history fit(const dataset &train, gn_fit_options options, Report report)
    {
        detail::guarded<const gn_event &> guard{
            [&report](const gn_event &event) {
                if constexpr (std::is_void_v<decltype(report(event))>) {
                    report(event);
                    return true;
                } else {
                    return static_cast<bool>(report(event));
                }
            },
            nullptr
        };
        options.train = train.get();
        options.on_event = [](const gn_event *event, void *user) {
            (*static_cast<detail::guarded<const gn_event &> *>(user))(*event);
        };
        options.user = &guard;
        options.stop = &guard.ended;
        gn_history *result = gn_fit_with(get(), &options);
        std::unique_ptr<gn_history, detail::free_with<gn_free_history>> owned(result);
        guard.rethrow();
        return history(owned.release());
    }
    history fit(const dataset &train, gn_fit_options options = {})
    {
        options.train = train.get();
        return history(gn_fit_with(get(), &options));
    }
    gn_score evaluate(const dataset &data, gn_evaluate_options options = {}) const
    {
        gn_score score{};
        options.data = data.get();
        check(gn_evaluate_with(get(), &score, &options));
        return score;
    }
};

/* ---- Prediction ---- */

/* One of the most probable classes. */
struct guess {
    int index;
    std::string label; /* "" when the net has no labels */
    double probability;
};

inline std::vector<double> softmax(span<const float> logits)
{
    std::vector<double> probabilities(logits.size());
    check(gn_softmax(logits.data(), static_cast<int>(logits.size()), probabilities.data()));
    return probabilities;
}

/* Pixels of a program's picture: 8 bits a value, `stride` bytes from row to row (0: no gaps). */
inline gn_pixels pixels(const void *data, int height, int width, gn_pixel_format format,
                        std::size_t stride = 0)
{
    gn_pixels p{};
    p.pixels = data;
    p.height = height;
    p.width = width;
    p.format = format;
    p.stride = stride;
    return p;
}

/* A net made ready to answer. It uses the net, which must outlive it; weights are shared with the net's
 * other predictors, so one a thread costs little. */
class predictor : public handle<gn_predictor, gn_predictor_free>
{
  public:
    explicit predictor(const net &of, gn_predictor_options options = {})
        : handle(gn_predictor_create_with(of.get(), &options)), labels_(of.labels()),
          values_(options.layer == nullptr ? static_cast<std::size_t>(of.info().classes)
                                           : of.values(options.layer))
    {
    }
    /* Numbers of an answer: classes, or values of the layer. */
    std::size_t values() const noexcept
    {
        return values_;
    }
    /* Logits, or values of the layer, of n pictures: n * values() numbers into `answers`. */
    void run(span<const gn_pixels> images, span<float> answers)
    {
        gn_predict_options options{};
        options.images = images.data();
        options.n = images.size();
        run(options, answers);
    }
    std::vector<float> run(span<const gn_pixels> images)
    {
        std::vector<float> answers(images.size() * values_);
        run(images, answers);
        return answers;
    }
    /* Any of the ways to give pictures. */
    void run(const gn_predict_options &options, span<float> answers)
    {
        if (answers.size() / values_ < options.n)
            throw error(GN_STATUS_BAD_ARGUMENT, "predict: there is room for " +
                                                    std::to_string(answers.size()) + " numbers, " +
                                                    std::to_string(options.n) + " answers have " +
                                                    std::to_string(values_) + " each");
        check(gn_predictor_run(get(), answers.data(), &options));
    }
    std::vector<guess> classify(const gn_pixels &image, int most = 5)
    {
        const std::vector<float> logits = run(span<const gn_pixels>(&image, 1));
        return best(logits, most);
    }
    /* Of the bytes of a JPEG, PNG or other file. */
    std::vector<guess> classify_file(span<const unsigned char> file, int most = 5)
    {
        gn_file_bytes bytes{};
        bytes.bytes = file.data();
        bytes.size = file.size();
        gn_predict_options options{};
        options.files = &bytes;
        options.n = 1;
        std::vector<float> logits(values_);
        run(options, logits);
        return best(logits, most);
    }
    /* Answers for the first n pictures of a set, one after the other; on_answer ends the call by
     * returning false, where it returns anything. */
    template <typename OnAnswer> void each(const dataset &data, std::uint64_t n, OnAnswer on_answer)
    {
        detail::guarded<const gn_answer &> guard{
            [&on_answer](const gn_answer &answer) {
                if constexpr (std::is_void_v<decltype(on_answer(answer))>) {
                    on_answer(answer);
                    return true;
                } else {
                    return static_cast<bool>(on_answer(answer));
                }
            },
            nullptr
        };
        gn_predict_options options{};
        options.data = data.get();
        options.n = n;
        const gn_status status = gn_predictor_each(
            get(), &options,
            [](const gn_answer *answer, void *user) {
                return (*static_cast<detail::guarded<const gn_answer &> *>(user))(*answer) ? 0 : 1;
            },
            &guard);
        guard.rethrow();
        if (status != GN_STATUS_STOPPED || guard.ended == 0)
            check(status);
    }
    /* The classes with the highest of these logits, highest first. */
    std::vector<guess> best(span<const float> logits, int most = 5) const
    {
        const std::vector<double> probabilities = softmax(logits);
        std::vector<int> order(static_cast<std::size_t>(std::max(most, 0)));
        const int n =
            gn_top_classes(logits.data(), static_cast<int>(logits.size()), most, order.data());
        std::vector<guess> all;
        for (std::size_t i = 0; i < static_cast<std::size_t>(std::max(n, 0)); i++) {
            const auto index = static_cast<std::size_t>(order[i]);
            all.push_back({ order[i], index < labels_.size() ? labels_[index] : std::string(),
                            probabilities[index] });
        }
        return all;
    }
    /* See gn_predictor_cancel and gn_predictor_limit; cancel may be called by any thread. */
    void cancel(bool yes = true) noexcept
    {
        gn_predictor_cancel(get(), yes);
    }
    void limit(double seconds)
    {
        check(gn_predictor_limit(get(), seconds));
    }

  private:
    std::vector<std::string> labels_;
    std::size_t values_;
};

} // namespace googlenet

#endif
