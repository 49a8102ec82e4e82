# The hot kernels: one source, compiled once for each instruction set.
#
# Every src/ops/*/cpu.c, src/ops/*/cpu_*.c and src/picture/cpu_*.c becomes one object for each entry
# of GN_ISAS, with GN_ISA_<ISA>=1 defined; the choice between them is made at run time. No link-time
# optimisation: it could move newer instructions into code that runs everywhere.

file(GLOB GN_KERNEL_SOURCES CONFIGURE_DEPENDS
     ${PROJECT_SOURCE_DIR}/src/ops/*/cpu.c ${PROJECT_SOURCE_DIR}/src/ops/*/cpu_*.c
     ${PROJECT_SOURCE_DIR}/src/picture/cpu_*.c)

# The generic set never fuses a multiplication with an addition, where the processor could, too: its bits
# are those of every machine. The others always do, and so have equal bits among them.
set(GN_ISAS generic)
set(GN_FLAGS_generic -ffp-contract=off)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
    list(APPEND GN_ISAS avx2 avx512)
    # Instructions of the int8 kernels that an older assembler does not know (src/cpu/bytes.h).
    include(CheckCSourceCompiles)
    check_c_source_compiles(
        "int main(void) { __asm__ volatile(\"vpdpbusd %zmm2, %zmm1, %zmm0\"); return 0; }"
        GN_HAVE_VNNI)
    check_c_source_compiles(
        "int main(void) { __asm__ volatile(\"{vex} vpdpbusd %ymm2, %ymm1, %ymm0\"); return 0; }"
        GN_HAVE_AVX_VNNI)
    foreach(name GN_HAVE_VNNI GN_HAVE_AVX_VNNI)
        if(${name})
            list(APPEND GN_DEFINITIONS ${name}=1)
        endif()
    endforeach()
    set(GN_FLAGS_avx2 -mavx2 -mfma -mf16c)
    if(GN_EMULATE_AVX512)
        # Wide vectors never leave their file, so what the ABI says about them does not matter.
        set(GN_FLAGS_avx512 ${GN_FLAGS_avx2} -Wno-psabi)
        list(APPEND GN_DEFINITIONS GN_EMULATE_AVX512=1)
    else()
        set(GN_FLAGS_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c)
    endif()
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
    include(CheckCCompilerFlag)
    list(APPEND GN_ISAS neon)
    set(GN_FLAGS_neon)
    # SVE whose vectors are known to have 256 bits (Graviton 3 and others): gcc has it.
    set(GN_FLAGS_sve256 -march=armv8.2-a+sve -msve-vector-bits=256)
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
        check_c_compiler_flag("-march=armv8.2-a+sve -msve-vector-bits=256" GN_HAVE_SVE256)
        if(GN_HAVE_SVE256)
            list(APPEND GN_ISAS sve256)
        endif()
    endif()
endif()
if(NOT "${GN_KERNELS}" STREQUAL "")
    foreach(isa ${GN_ISAS})
        if(NOT isa STREQUAL "generic" AND NOT isa IN_LIST GN_KERNELS)
            list(REMOVE_ITEM GN_ISAS ${isa})
        endif()
    endforeach()
endif()
# Those that only training uses.
if(NOT training)
    list(FILTER GN_KERNEL_SOURCES EXCLUDE REGEX "/ops/conv/cpu_(winograd_)?filter\\.c$")
endif()
# Which of them src/cpu/isa.c and the tables of kernels may name.
foreach(isa IN LISTS GN_ISAS)
    string(TOUPPER ${isa} ISA)
    list(APPEND GN_DEFINITIONS GN_HAVE_${ISA}_KERNELS=1)
endforeach()

# Adds the kernel objects to GN_OBJECTS; called when the include paths and flags are known.
function(gn_add_kernels)
    set(objects ${GN_OBJECTS})
    if(GN_KERNEL_SOURCES)
        foreach(isa IN LISTS GN_ISAS)
            string(TOUPPER ${isa} ISA)
            add_library(kernels_${isa} OBJECT ${GN_KERNEL_SOURCES})
            gn_compile_kernel(kernels_${isa})
            target_compile_options(kernels_${isa} PRIVATE ${GN_FLAGS_${isa}})
            target_compile_definitions(kernels_${isa} PRIVATE GN_ISA_${ISA}=1)
            if(WIN32) # the stack is aligned for 16 bytes, which the compiler does not know of its vectors there
                target_compile_options(kernels_${isa} PRIVATE -Wa,-muse-unaligned-vector-move)
            endif()
            if(NOT training)
                gn_make_kernels_small(kernels_${isa} ${isa})
            endif()
            target_include_directories(kernels_${isa} PRIVATE ${GN_INCLUDES})
            list(APPEND objects $<TARGET_OBJECTS:kernels_${isa}>)
        endforeach()
    endif()
    set(GN_OBJECTS ${objects} PARENT_SCOPE)
endfunction()
