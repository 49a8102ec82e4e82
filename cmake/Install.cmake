# What `cmake --install` puts where: program, header, both libraries, googlenet.pc and the CMake
# package `googlenet` with its targets googlenet::googlenet and googlenet::googlenet_static.

if(NOT DEFINED CMAKE_INSTALL_LIBDIR)
    set(CMAKE_INSTALL_LIBDIR lib CACHE STRING "Folder of libraries below the prefix")
endif()
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(GN_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/googlenet)

install(TARGETS googlenet_shared EXPORT googlenetTargets)
install(TARGETS googlenet_static)
if(EXISTS ${PROJECT_SOURCE_DIR}/include/googlenet.h)
    install(FILES include/googlenet.h include/googlenet.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
endif()
if(TARGET program)
    # The installed program finds its library wherever the prefix is moved to.
    file(RELATIVE_PATH up /${CMAKE_INSTALL_BINDIR} /${CMAKE_INSTALL_LIBDIR})
    set_target_properties(program PROPERTIES INSTALL_RPATH "$ORIGIN/${up}")
    install(TARGETS program)
endif()
if(TARGET converter)
    # Found from the program's place, or by this path for other programs that use the library.
    install(TARGETS converter RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/googlenet)
endif()
if(GN_PLUGINS)
    install(TARGETS ${GN_PLUGINS} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/googlenet)
endif()
set_source_files_properties(src/file/part.c PROPERTIES COMPILE_DEFINITIONS
    "GN_LIBEXEC=\"${CMAKE_INSTALL_FULL_LIBEXECDIR}/googlenet\"")
install(FILES LICENSE README.md README.zh-CN.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs)
install(DIRECTORY examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)

# The manual pages and the scripts for shells are printed by the program, from its tables of options.
if(TARGET program AND (NOT CMAKE_CROSSCOMPILING OR CMAKE_CROSSCOMPILING_EMULATOR))
    set(manual ${PROJECT_BINARY_DIR}/manual)
    list(JOIN CMAKE_CROSSCOMPILING_EMULATOR " " emulator)
    add_custom_command(
        OUTPUT ${manual}/googlenet.1
        COMMAND ${CMAKE_COMMAND} -E env "GN_EMULATOR=${emulator}" ${PROJECT_SOURCE_DIR}/tools/manual.sh $<TARGET_FILE:program> ${manual}
        DEPENDS program ${PROJECT_SOURCE_DIR}/tools/manual.sh
        VERBATIM)
    add_custom_target(manual ALL DEPENDS ${manual}/googlenet.1)
    add_dependencies(product manual)
    install(DIRECTORY ${manual}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 FILES_MATCHING PATTERN "*.1")
    install(FILES ${manual}/googlenet.bash RENAME googlenet
            DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
    install(FILES ${manual}/googlenet.zsh RENAME _googlenet
            DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
    install(FILES ${manual}/googlenet.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()

# googlenet.pc is found relative to itself, so it stays true under any --prefix.
file(RELATIVE_PATH GN_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" GN_PC_PREFIX "${GN_PC_PREFIX}")
string(REPLACE ";" " " GN_PC_LIBS_PRIVATE "${GN_STATIC_LIBS}")
configure_file(googlenet.pc.in googlenet.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/googlenet.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(EXPORT googlenetTargets NAMESPACE googlenet:: DESTINATION ${GN_PACKAGE_DIR})
configure_package_config_file(cmake/googlenetConfig.cmake.in googlenetConfig.cmake
                              INSTALL_DESTINATION ${GN_PACKAGE_DIR}
                              PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(googlenetConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/googlenetConfig.cmake
              ${PROJECT_BINARY_DIR}/googlenetConfigVersion.cmake
        DESTINATION ${GN_PACKAGE_DIR})
