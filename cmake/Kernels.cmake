# The hot kernels: one source, compiled once for each instruction set.
#
# Every src/ops/*/cpu.c, src/ops/*/cpu_*.c and src/picture/cpu_*.c becomes one object for each entry
# of GN_ISAS, with GN_ISA_<ISA>=1 defined; the choice between them is made at run time. No link-time
# optimisation: it could move newer instructions into code that runs everywhere.

file(GLOB GN_KERNEL_SOURCES CONFIGURE_DEPENDS
     ${PROJECT_SOURCE_DIR}/src/ops/*/cpu.c ${PROJECT_SOURCE_DIR}/src/ops/*/cpu_*.c
     ${PROJECT_SOURCE_DIR}/src/picture/cpu_*.c)

set(GN_ISAS generic)
set(GN_HAVE_X86_KERNELS 0)
set(GN_FLAGS_generic)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
    set(GN_HAVE_X86_KERNELS 1)
    list(APPEND GN_ISAS avx2 avx512)
    set(GN_FLAGS_avx2 -mavx2 -mfma -mf16c)
    if(GN_EMULATE_AVX512)
        # Wide vectors never leave their file, so what the ABI says about them does not matter.
        set(GN_FLAGS_avx512 ${GN_FLAGS_avx2} -Wno-psabi)
        list(APPEND GN_DEFINITIONS GN_EMULATE_AVX512=1)
    else()
        set(GN_FLAGS_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c)
    endif()
endif()

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
            target_include_directories(kernels_${isa} PRIVATE ${GN_INCLUDES})
            list(APPEND objects $<TARGET_OBJECTS:kernels_${isa}>)
        endforeach()
    endif()
    set(GN_OBJECTS ${objects} PARENT_SCOPE)
endfunction()
