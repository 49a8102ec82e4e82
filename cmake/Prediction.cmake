# -Dtraining=off: a library that loads model files and answers, and does nothing else. It needs libc and libm
# alone, and libjpeg or libpng where GN_WITH_JPEG or GN_WITH_PNG asks for them (off here); the program, the
# tests and everything that reads data sets, trains, writes or converts files are left out.
#
# What is public in it is cmake/prediction.map, part of googlenet.h under the same names and versions: a
# program that uses no more runs with either library. Inside, the choice is made by the list of files below,
# and within a file by `if (GN_TRAINING)`. docs/embedding.md tells users about it.

foreach(left_out CURL CAIRO GIF WEBP TIFF HDF5 MICROHTTPD OPENMPI MPICH)
    set(GN_WITH_${left_out} OFF CACHE BOOL "left out of a library that only predicts" FORCE)
endforeach()
set(GN_WITH_JPEG OFF CACHE BOOL "Use libjpeg: reading of JPEG pictures")
set(GN_WITH_PNG OFF CACHE BOOL "Use libpng: reading of PNG pictures")
set(GN_TESTS OFF CACHE BOOL "the tests are of the whole library" FORCE)
# AVX-512 computes what AVX2 does, bit for bit: faster where there is it, for 60 KB.
if(GN_KERNELS STREQUAL "")
    set(GN_KERNELS generic avx2 neon)
endif()
list(APPEND GN_DEFINITIONS GN_TRAINING=0)
# A second kernel for each product, and F(2,3).
option(GN_HALF "Packed weights of 16 bits in a library that only predicts: 40 KB" OFF)
if(GN_HALF)
    list(APPEND GN_DEFINITIONS GN_HALF=1)
endif()

file(GLOB GN_PREDICTION_SOURCES CONFIGURE_DEPENDS
     src/os/*.c src/base/*.c src/cpu/*.c src/ops/*/op.c src/graph/*.c src/plan/*.c src/models/*.c src/picture/*.c)
list(FILTER GN_PREDICTION_SOURCES EXCLUDE REGEX "/(folders|(posix|windows)_[a-z]+|option|names|library|statistics|task)\\.c$")
list(FILTER GN_PREDICTION_SOURCES EXCLUDE REGEX "/os/${GN_OTHER_SYSTEM}\\.c$")
list(FILTER GN_PREDICTION_SOURCES EXCLUDE REGEX "/(augment|augment_bytes)\\.c$")
list(REMOVE_ITEM GN_PREDICTION_SOURCES ${PROJECT_SOURCE_DIR}/src/graph/text.c)
list(APPEND GN_PREDICTION_SOURCES
     src/file/crc32c.c src/file/file.c src/file/reader.c src/file/json_small_read.c src/file/json_small_value.c
     src/ops/int8.c src/ops/rules.c src/ops/sets.c src/ops/table.c
     # Operators with one kernel for all instruction sets.
     src/ops/batch_norm/ref.c src/ops/clip/ref.c src/ops/dropout/ref.c
     src/net/fingerprint.c src/net/finite.c src/net/net.c src/net/pixels.c src/net/summary.c
     src/formats/dtype.c src/formats/model_classes.c src/formats/model_load.c src/formats/model_metadata.c
     src/formats/model_network.c src/formats/model_tensors.c src/formats/preprocess.c src/formats/recognise.c
     src/formats/safetensors.c src/formats/safetensors_header.c
     src/infer/layer.c src/infer/match.c src/infer/memory_need.c src/infer/pixels.c src/infer/predictor.c
     src/infer/preprocess.c src/infer/rank.c
     src/system.c)

# After the flags of Compile.cmake: small where nothing is hot, and every function a section that the linker
# can leave out.
function(gn_make_small target)
    target_compile_options(${target} PRIVATE -Os ${GN_SECTIONS})
endfunction()
set(GN_SECTIONS -ffunction-sections -fdata-sections)

function(gn_link_small target)
    foreach(flag -Wl,--gc-sections -Wl,-z,defs)
        string(MAKE_C_IDENTIFIER "GN_HAS${flag}" known)
        check_linker_flag(C ${flag} ${known})
        if(${known})
            target_link_options(${target} PRIVATE ${flag})
        endif()
    endforeach()
endfunction()

# Of a set of kernels: the generic one is for machines whose speed nobody waits for.
function(gn_make_kernels_small target isa)
    if(isa STREQUAL "generic" AND NOT "${GN_ISAS}" STREQUAL "generic")
        target_compile_options(${target} PRIVATE -Os ${GN_SECTIONS})
    else()
        target_compile_options(${target} PRIVATE -O2 ${GN_SECTIONS})
    endif()
endfunction()
