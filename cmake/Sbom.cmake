# The bill of materials, SPDX 2.3: what this build consists of, in the versions that were found. Its time
# is SOURCE_DATE_EPOCH, or that of the last commit, so that equal sources give equal bytes.

set(GN_SBOM_PACKAGES)
set(GN_SBOM_RELATIONS)

# gn_sbom(NAME VERSION LICENSE RELATION): a library that this build uses.
function(gn_sbom name version license relation)
    string(APPEND GN_SBOM_PACKAGES ",
    {
      \"SPDXID\": \"SPDXRef-${name}\",
      \"name\": \"${name}\",
      \"versionInfo\": \"${version}\",
      \"downloadLocation\": \"NOASSERTION\",
      \"filesAnalyzed\": false,
      \"licenseConcluded\": \"${license}\",
      \"licenseDeclared\": \"${license}\",
      \"copyrightText\": \"NOASSERTION\"
    }")
    string(APPEND GN_SBOM_RELATIONS ",
    {
      \"spdxElementId\": \"SPDXRef-googlenet\",
      \"relationshipType\": \"${relation}\",
      \"relatedSpdxElement\": \"SPDXRef-${name}\"
    }")
    set(GN_SBOM_PACKAGES "${GN_SBOM_PACKAGES}" PARENT_SCOPE)
    set(GN_SBOM_RELATIONS "${GN_SBOM_RELATIONS}" PARENT_SCOPE)
endfunction()

set(link DYNAMIC_LINK)
if(GN_STATIC)
    set(link STATIC_LINK)
endif()
gn_sbom(zlib "${ZLIB_VERSION_STRING}" Zlib ${link})
gn_sbom(jansson "${jansson_VERSION}" MIT ${link})
foreach(library "JPEG libjpeg-turbo IJG" "PNG libpng libpng-2.0" "CAIRO cairo LGPL-2.1-only" "HDF5 hdf5 BSD-3-Clause")
    separate_arguments(library)
    list(GET library 0 key)
    list(GET library 1 name)
    list(GET library 2 license)
    if(GN_HAVE_${key})
        gn_sbom(${name} "${GN_${key}_VERSION}" ${license} ${link})
    endif()
endforeach()
# Loaded when something needs them.
foreach(library "CURL libcurl curl" "GIF giflib MIT" "WEBP libwebp BSD-3-Clause" "TIFF libtiff libtiff"
        "MICROHTTPD libmicrohttpd LGPL-2.1-or-later")
    separate_arguments(library)
    list(GET library 0 key)
    list(GET library 1 name)
    list(GET library 2 license)
    if(GN_HAVE_${key})
        gn_sbom(${name} "${GN_${key}_VERSION}" ${license} DEPENDS_ON)
    endif()
endforeach()

set(time "$ENV{SOURCE_DATE_EPOCH}")
if(time STREQUAL "" AND EXISTS ${PROJECT_SOURCE_DIR}/.git)
    execute_process(COMMAND git log -1 --format=%ct WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
                    OUTPUT_VARIABLE time OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(time STREQUAL "")
    set(time 0)
endif()
set(had_epoch "$ENV{SOURCE_DATE_EPOCH}")
set(ENV{SOURCE_DATE_EPOCH} ${time})
string(TIMESTAMP GN_SBOM_TIME "%Y-%m-%dT%H:%M:%SZ" UTC)
if(had_epoch STREQUAL "")
    unset(ENV{SOURCE_DATE_EPOCH})
endif()
configure_file(cmake/googlenet.spdx.json.in googlenet.spdx.json @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/googlenet.spdx.json DESTINATION ${CMAKE_INSTALL_DOCDIR})
