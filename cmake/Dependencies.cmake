# The libraries of the distribution. Required: zlib, jansson, threads; for prediction alone, threads. Each optional one
# that is missing leaves out its feature; `googlenet info` says so.
#
# Sets GN_HAVE_<LIB> (1 or 0), GN_LIBS (for linking here) and GN_STATIC_LIBS (what somebody who
# links the static library must add, as -l flags).

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
if(training)
    find_package(PkgConfig REQUIRED)
    find_package(ZLIB REQUIRED)
    pkg_check_modules(jansson REQUIRED IMPORTED_TARGET jansson>=2.10)
    set(GN_LIBS Threads::Threads ZLIB::ZLIB PkgConfig::jansson m ${CMAKE_DL_LIBS})
    set(GN_STATIC_LIBS -ljansson -lz -lpthread -lm -ldl)
else()
    set(GN_LIBS Threads::Threads m)
    set(GN_STATIC_LIBS -lpthread -lm)
    if(GN_WITH_JPEG OR GN_WITH_PNG)
        find_package(PkgConfig REQUIRED)
    endif()
endif()
# gn_optional(NAME MODULE FLAGS TEXT): GN_HAVE_NAME = whether pkg-config knows MODULE, in which version
# GN_NAME_VERSION.
function(gn_optional name module flag what)
    option(GN_WITH_${name} "Use ${module} when it is there: ${what}" ON)
    set(have 0)
    if(GN_WITH_${name})
        pkg_check_modules(${name} QUIET IMPORTED_TARGET ${module})
        if(${name}_FOUND)
            set(have 1)
            if(flag)
                set(GN_LIBS ${GN_LIBS} PkgConfig::${name} PARENT_SCOPE)
                set(GN_STATIC_LIBS ${flag} ${GN_STATIC_LIBS} PARENT_SCOPE)
            endif()
        else()
            message(STATUS "${module} not found, left out: ${what}")
        endif()
    endif()
    set(GN_HAVE_${name} ${have} PARENT_SCOPE)
    set(GN_${name}_VERSION "${${name}_VERSION}" PARENT_SCOPE)
endfunction()

# gn_loaded(NAME MODULE FILE TEXT): the same for a library that is loaded when it is needed, so that it
# does not take time in every start. GN_NAME_SONAME: the file to load; FILE where readelf cannot say it.
set(GN_HEADERS)
function(gn_loaded name module file what)
    gn_optional(${name} ${module} "" ${what})
    set(soname ${file})
    list(GET ${name}_LINK_LIBRARIES 0 library)
    if(GN_HAVE_${name} AND CMAKE_READELF AND EXISTS "${library}")
        execute_process(COMMAND ${CMAKE_READELF} -d ${library} OUTPUT_VARIABLE text ERROR_QUIET)
        if(text MATCHES "SONAME[^[]*\\[([^]]+)\\]")
            set(soname ${CMAKE_MATCH_1})
        endif()
    endif()
    set(GN_HAVE_${name} ${GN_HAVE_${name}} PARENT_SCOPE)
    set(GN_${name}_VERSION "${GN_${name}_VERSION}" PARENT_SCOPE)
    set(GN_${name}_SONAME "${soname}" PARENT_SCOPE)
    set(GN_HEADERS ${GN_HEADERS} ${${name}_INCLUDE_DIRS} PARENT_SCOPE)
endfunction()

gn_optional(CURL libcurl "" "download of named data sets") # loaded at run time
gn_optional(CAIRO cairo -lcairo "drawing of the training curves")
gn_optional(JPEG libjpeg -ljpeg "reading of JPEG pictures")
gn_optional(PNG libpng -lpng "reading of PNG pictures")
if(GN_HAVE_PNG AND WIN32) # an archive there, which needs zlib after it
    set_property(TARGET PkgConfig::PNG APPEND PROPERTY INTERFACE_LINK_LIBRARIES ${ZLIB_LIBRARIES})
endif()
gn_loaded(GIF libgif libgif.so.7 "reading of GIF pictures")
gn_loaded(WEBP libwebpdemux libwebpdemux.so.2 "reading of WebP pictures")
gn_loaded(MICROHTTPD "libmicrohttpd>=0.9.75" libmicrohttpd.so.12 "the command serve")
gn_loaded(TIFF libtiff-4>=4.5 libtiff.so.6 "reading of TIFF pictures") # 4.5: handlers for each file
gn_optional(HDF5 hdf5 "" "Keras files") # in a program of its own
# Each in a plugin of its own.
gn_optional(OPENMPI ompi-c "" "training under Open MPI's mpirun, and srun --mpi=pmix")
gn_optional(MPICH mpich "" "training under MPICH's mpirun")
