# The whole library and the program for Windows, by mingw-w64 (tools/cross.sh windows).
#
# What the system has no counterpart for is left out here, as whole files: several processes by fork(), the server's
# sockets, the program of its own that reads HDF5, and plugins. In their places stand files that say so.

set(GN_HAS_PLUGINS 0)
foreach(left_out CURL GIF WEBP TIFF HDF5 MICROHTTPD OPENMPI MPICH)
    set(GN_WITH_${left_out} OFF CACHE BOOL "left out on Windows" FORCE)
endforeach()

# The DLL's names, where no other linker needs a list: what the header declares.
function(gn_public_names result)
    file(STRINGS ${PROJECT_SOURCE_DIR}/include/googlenet.h lines REGEX "GN_API")
    set(names)
    foreach(line IN LISTS lines)
        if(line MATCHES "(gn_[a-z0-9_]+)\\(")
            list(APPEND names ${CMAKE_MATCH_1})
        endif()
    endforeach()
    set(${result} ${names} PARENT_SCOPE)
endfunction()
