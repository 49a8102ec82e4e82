/*
 * Times the convolutions of the network in oneDNN 2.x, alone: no pooling, no ReLU, no
 * concatenation, no update, and every tensor already lies in the layout that oneDNN likes best. For
 * each convolution and direction it takes the fastest of direct with free layouts, direct with NHWC,
 * and oneDNN's own Winograd where that exists, measured at the start. What it reports is therefore
 * a bound for every framework that is built on this library.
 *
 * Usage: convolutions LIST BATCH train|forward
 * LIST has a line "name size in out kernel stride before after" for each convolution. Then it talks
 * as measure.py describes: {"ready": ...}, and {"ms": [...]} for each number of seconds on stdin.
 * Threads: OMP_NUM_THREADS. Kernels: ONEDNN_MAX_CPU_ISA.
 *
 * Build: c++ -std=c++17 -O2 convolutions.cpp -ldnnl
 */
#include <dnnl.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#if DNNL_VERSION_MAJOR != 2
#error "this program is written for oneDNN 2.x: 3.x has no Winograd in fp32"
#endif

using dnnl::algorithm;
using dnnl::memory;
using tag = memory::format_tag;

namespace
{

constexpr int TRIALS = 3; /* timed runs of a candidate, after one */

struct shape {
    std::string name;
    long size, in, out, kernel, stride, before, after;
};

/* A primitive with its own memory, ready to run. */
struct work {
    dnnl::primitive primitive;
    std::unordered_map<int, memory> arguments;
};

struct candidate {
    const char *name;
    algorithm how;
    tag data; /* any: the library's choice */
};

const candidate CANDIDATES[] = {
    { "direct", algorithm::convolution_direct, tag::any },
    { "direct nhwc", algorithm::convolution_direct, tag::nhwc },
    { "winograd", algorithm::convolution_winograd, tag::any },
};

enum direction { FORWARD, BACKWARD_DATA, WEIGHT_GRADIENT };

dnnl::engine engine(dnnl::engine::kind::cpu, 0);
dnnl::stream stream(engine);

double seconds()
{
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double>(now).count();
}

/* Memory of values in [-0.5, 0.5): no denormals, no zeros to skip. */
memory filled(const memory::desc &layout)
{
    memory m(layout, engine);
    auto *values = static_cast<float *>(m.get_data_handle());
    uint32_t state = 1;
    for (size_t i = 0; i < layout.get_size() / sizeof(float); i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = static_cast<float>(state >> 8) * 0x1p-24f - 0.5f;
    }
    return m;
}

/* Plain loops that nobody would use; timing them takes minutes. */
bool is_reference(const char *implementation)
{
    return std::strstr(implementation, "ref") != nullptr;
}

/* The primitive of a shape and direction, or nothing where the library has no fast one. */
std::optional<work> make(const shape &s, long batch, direction to, const candidate &c, bool train)
{
    const auto f32 = memory::data_type::f32;
    const long out = (s.size + s.before + s.after - s.kernel) / s.stride + 1;
    const memory::desc x({ batch, s.in, s.size, s.size }, f32, c.data);
    const memory::desc w({ s.out, s.in, s.kernel, s.kernel }, f32, tag::any);
    const memory::desc b({ s.out }, f32, tag::a);
    const memory::desc y({ batch, s.out, out, out }, f32, c.data);
    const memory::dims strides = { s.stride, s.stride }, low = { s.before, s.before },
                       high = { s.after, s.after };
    try {
        using forward = dnnl::convolution_forward;
        const auto kind =
            train ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
        const forward::primitive_desc f({ kind, c.how, x, w, b, y, strides, low, high }, engine);
        if (to == FORWARD && is_reference(f.impl_info_str()))
            return std::nullopt;
        if (to == FORWARD)
            return work{ forward(f),
                         { { DNNL_ARG_SRC, filled(f.src_desc()) },
                           { DNNL_ARG_WEIGHTS, filled(f.weights_desc()) },
                           { DNNL_ARG_BIAS, filled(f.bias_desc()) },
                           { DNNL_ARG_DST, filled(f.dst_desc()) } } };
        if (to == BACKWARD_DATA) {
            using backward = dnnl::convolution_backward_data;
            const backward::primitive_desc d({ c.how, x, w, y, strides, low, high }, engine, f);
            if (is_reference(d.impl_info_str()))
                return std::nullopt;
            return work{ backward(d),
                         { { DNNL_ARG_DIFF_DST, filled(d.diff_dst_desc()) },
                           { DNNL_ARG_WEIGHTS, filled(d.weights_desc()) },
                           { DNNL_ARG_DIFF_SRC, filled(d.diff_src_desc()) } } };
        }
        using gradient = dnnl::convolution_backward_weights;
        const gradient::primitive_desc g({ c.how, x, w, b, y, strides, low, high }, engine, f);
        if (is_reference(g.impl_info_str()))
            return std::nullopt;
        return work{ gradient(g),
                     { { DNNL_ARG_SRC, filled(g.src_desc()) },
                       { DNNL_ARG_DIFF_DST, filled(g.diff_dst_desc()) },
                       { DNNL_ARG_DIFF_WEIGHTS, filled(g.diff_weights_desc()) },
                       { DNNL_ARG_DIFF_BIAS, filled(g.diff_bias_desc()) } } };
    } catch (const dnnl::error &) {
        return std::nullopt;
    }
}

double run(work &w)
{
    const double begin = seconds();
    w.primitive.execute(stream, w.arguments);
    stream.wait();
    return seconds() - begin;
}

/* The fastest candidate; counts its name in `chosen`. */
work best(const shape &s, long batch, direction to, bool train, std::map<std::string, int> &chosen)
{
    std::optional<work> winner;
    const char *name = "";
    double fastest = 0;
    for (const candidate &c : CANDIDATES) {
        std::optional<work> w = make(s, batch, to, c, train);
        if (!w)
            continue;
        run(*w);
        double least = run(*w);
        for (int i = 1; i < TRIALS; i++)
            least = std::min(least, run(*w));
        if (!winner || least < fastest) {
            winner = std::move(w);
            fastest = least;
            name = c.name;
        }
    }
    if (!winner)
        throw std::runtime_error("oneDNN has no kernel for " + s.name);
    chosen[name]++;
    return std::move(*winner);
}

std::vector<work> prepare(std::istream &list, long batch, bool train, std::string &setting)
{
    std::vector<work> all;
    std::map<std::string, int> chosen;
    shape s;
    while (list >> s.name >> s.size >> s.in >> s.out >> s.kernel >> s.stride >> s.before >>
           s.after) {
        all.push_back(best(s, batch, FORWARD, train, chosen));
        if (!train)
            continue;
        if (all.size() > 1) /* the first layer's input needs no gradient */
            all.push_back(best(s, batch, BACKWARD_DATA, train, chosen));
        all.push_back(best(s, batch, WEIGHT_GRADIENT, train, chosen));
    }
    setting = "convolutions only:";
    for (const auto &[name, count] : chosen)
        setting += " " + std::to_string(count) + " " + name;
    return all;
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 4) {
        std::fprintf(stderr, "usage: convolutions LIST BATCH train|forward\n");
        return 2;
    }
    std::ifstream list(argv[1]);
    std::string setting;
    std::vector<work> all =
        prepare(list, std::stol(argv[2]), std::strcmp(argv[3], "train") == 0, setting);
    if (all.empty()) {
        std::fprintf(stderr, "convolutions: %s holds no convolution\n", argv[1]);
        return 2;
    }
    const auto *v = dnnl::version();
    std::printf("{\"ready\": {\"version\": \"oneDNN %d.%d.%d\", \"setting\": \"%s\", "
                "\"error\": null}}\n",
                v->major, v->minor, v->patch, setting.c_str());
    std::fflush(stdout);
    std::string line;
    while (std::getline(std::cin, line)) {
        const double wanted = std::stod(line), start = seconds();
        const char *separator = "";
        std::printf("{\"ms\": [");
        do {
            double sum = 0;
            for (work &w : all)
                sum += run(w);
            std::printf("%s%.4f", separator, 1e3 * sum);
            separator = ", ";
        } while (seconds() - start < wanted);
        std::printf("]}\n");
        std::fflush(stdout);
    }
    return 0;
}
