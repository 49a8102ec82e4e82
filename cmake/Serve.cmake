# The command serve: what the program gets with libmicrohttpd (loaded when the server starts), and the
# page, which becomes an array.
#
# Adds to GN_CLI_SOURCES; sets GN_SERVE_BASE (files of the library that need libc alone and are compiled
# into the program, too) and GN_SERVE_LIBS.

set(GN_SERVE_BASE)
set(GN_SERVE_LIBS)
if(GN_HAVE_MICROHTTPD)
    file(GLOB sources CONFIGURE_DEPENDS src/serve/*.c src/serve/batch/*.c)
    set(page ${PROJECT_SOURCE_DIR}/src/serve/page.html)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${page})
    file(READ ${page} bytes HEX)
    string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/serve_page.c CONTENT
"/* Made by CMake from src/serve/page.html. */
#include \"serve/page.h\"

const unsigned char serve_page[] = {
@bytes@
};
const size_t serve_page_size = sizeof serve_page;
" @ONLY)
    list(APPEND GN_CLI_SOURCES ${sources} ${PROJECT_BINARY_DIR}/serve_page.c)
    set(GN_SERVE_BASE src/base/library.c src/os/${GN_SYSTEM}_library.c src/file/md5.c)
    set(GN_SERVE_LIBS Threads::Threads ZLIB::ZLIB ${CMAKE_DL_LIBS})
else()
    list(APPEND GN_CLI_SOURCES ${PROJECT_SOURCE_DIR}/src/serve/command.c)
endif()
