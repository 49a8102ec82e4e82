# How every object is compiled: warnings, hardening, sanitizers, arithmetic.
#
# Each flag is probed with the compiler at hand; the ones it refuses are printed once. What a
# target gets is asked for with gn_compile(TARGET) and gn_link(TARGET).

include(CheckCCompilerFlag)
include(CheckLinkerFlag)

set(GN_WARNINGS
    -Wall -Wextra -Wpedantic -Wformat=2 -Wconversion -Wsign-conversion -Wshadow -Wundef
    -Wstrict-prototypes -Wmissing-prototypes -Wimplicit-fallthrough -Wpointer-arith -Wcast-qual
    -Wcast-align -Wwrite-strings -Wvla -Walloca -Wnull-dereference -Wdouble-promotion
    -Werror=implicit -Werror=incompatible-pointer-types -Werror=int-conversion
    -Werror=format-security)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    list(APPEND GN_WARNINGS -Wtrampolines -Wbidi-chars=any -Wduplicated-cond -Wlogical-op
         -Wjump-misses-init)
elseif(CMAKE_C_COMPILER_ID MATCHES "Clang")
    list(APPEND GN_WARNINGS -Wshorten-64-to-32 -Wmissing-variable-declarations)
endif()
if(WIN32)
    list(APPEND GN_WARNINGS -Wno-float-conversion) # in isfinite() of mingw-w64's math.h
endif()
if(GN_WERROR)
    list(APPEND GN_WARNINGS -Werror)
endif()

set(GN_CODE
    -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing -fexceptions
    -fstack-clash-protection -fcf-protection=full
    -fopenmp-simd # "#pragma omp simd": loops for vectors, no runtime library
    # Two builds in different places give the same bytes.
    -ffile-prefix-map=${PROJECT_SOURCE_DIR}=. -ffile-prefix-map=${PROJECT_BINARY_DIR}=./build)
if(WIN32) # the compiler fails on it in functions with large frames
    list(REMOVE_ITEM GN_CODE -fstack-clash-protection)
endif()
if(NOT training)
    list(REMOVE_ITEM GN_CODE -fexceptions) # its tables are a tenth of a small library
    list(APPEND GN_CODE -fno-asynchronous-unwind-tables)
endif()
# Sums of floats are rounded to floats everywhere: not with the x87's 80 bits, nor in double on s390x.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^i[3-6]86$")
    list(APPEND GN_CODE -msse2 -mfpmath=sse)
elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL "s390x" AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    list(APPEND GN_CODE -fexcess-precision=fast)
endif()
# Not for the hot kernel files, where a cleared tile or a checked frame costs time.
set(GN_CODE_COLD -fstack-protector-strong)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # clang 14 still wants a second flag for it, which later versions refuse.
    list(APPEND GN_CODE_COLD -ftrivial-auto-var-init=zero)
endif()

set(GN_LINK -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,separate-code -Wl,--as-needed
    -Wl,--no-copy-dt-needed-entries)

# Keeps in LIST_NAME only the flags that the compiler (or, with a third argument, the linker) takes.
function(gn_keep_known LIST_NAME)
    set(known)
    set(refused)
    foreach(flag IN LISTS ${LIST_NAME})
        string(REGEX REPLACE "=/.*" "" probe "${flag}")
        string(MAKE_C_IDENTIFIER "GN_HAS${probe}" probe)
        if(flag MATCHES "^-Wl,")
            check_linker_flag(C "${flag}" ${probe})
        else()
            check_c_compiler_flag("${flag}" ${probe})
        endif()
        if(${probe})
            list(APPEND known ${flag})
        else()
            list(APPEND refused ${flag})
        endif()
    endforeach()
    if(refused)
        message(STATUS "Flags that this compiler does not know, left out: ${refused}")
    endif()
    set(${LIST_NAME} ${known} PARENT_SCOPE)
endfunction()

if(WIN32) # both need libssp there, another library to ship
    set(GN_CODE_COLD -fno-stack-protector)
endif()

set(CMAKE_REQUIRED_QUIET ON)
set(CMAKE_REQUIRED_FLAGS -Wall) # -Wformat-security is nothing without -Wformat
gn_keep_known(GN_WARNINGS)
gn_keep_known(GN_CODE)
gn_keep_known(GN_CODE_COLD)
gn_keep_known(GN_LINK)

if(GN_SANITIZE)
    # Fortification gives false results under the sanitizers.
    list(APPEND GN_CODE -O1 -U_FORTIFY_SOURCE -fno-omit-frame-pointer -fsanitize=${GN_SANITIZE}
         -fno-sanitize-recover=all)
    list(APPEND GN_LINK -fsanitize=${GN_SANITIZE})
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug" AND NOT WIN32)
    list(APPEND GN_CODE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()

# macOS hides what it has of POSIX from 2008 behind a name of its own.
set(GN_POSIX _POSIX_C_SOURCE=200809L)
if(APPLE)
    list(APPEND GN_POSIX _DARWIN_C_SOURCE=1)
endif()

# Flags of an ordinary object: nothing contracts a*b+c, so the same sum has the same bits anywhere.
function(gn_compile target)
    target_compile_options(${target} PRIVATE ${GN_WARNINGS} ${GN_CODE} ${GN_CODE_COLD}
                           -ffp-contract=off)
    target_compile_definitions(${target} PRIVATE ${GN_POSIX} ${GN_DEFINITIONS})
endfunction()

# Flags of a hot kernel object: fused multiply-add on, no guard around the frames. Under a sanitizer
# -O3 would take minutes for a file.
function(gn_compile_kernel target)
    if(GN_SANITIZE)
        set(level -O1)
    else()
        set(level -O3)
    endif()
    target_compile_options(${target} PRIVATE ${GN_WARNINGS} ${GN_CODE} -fno-stack-protector ${level}
                           -ffp-contract=fast -fno-math-errno -fno-trapping-math)
    if(GN_FUZZ) # they read nothing from outside, and would take most of the time of this build
        target_compile_options(${target} PRIVATE -fno-sanitize=all)
    endif()
    target_compile_definitions(${target} PRIVATE ${GN_POSIX} ${GN_DEFINITIONS})
endfunction()

function(gn_link target)
    target_link_options(${target} PRIVATE ${GN_LINK})
endfunction()
