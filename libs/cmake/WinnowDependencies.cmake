# Every library Winnow links, found once. Debian 12 package names: deploy/packages/build.txt.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Protobuf 3.21 REQUIRED)
find_package(fmt REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(RocksDB REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(tl-expected REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)
pkg_check_modules(jpeg REQUIRED IMPORTED_TARGET libjpeg)
pkg_check_modules(png REQUIRED IMPORTED_TARGET libpng)
pkg_check_modules(webp REQUIRED IMPORTED_TARGET libwebp libwebpdemux libwebpmux)
pkg_check_modules(tiff REQUIRED IMPORTED_TARGET libtiff-4)
pkg_check_modules(archive REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(exif REQUIRED IMPORTED_TARGET libexif)
pkg_check_modules(rdkafka REQUIRED IMPORTED_TARGET rdkafka)
pkg_check_modules(httplib REQUIRED IMPORTED_TARGET cpp-httplib)
pkg_check_modules(prometheus REQUIRED IMPORTED_TARGET prometheus-cpp-core)

# Debian keeps OpenCVConfig.cmake in libopencv-dev, which pulls in every module and GDAL with it
# (61 packages against 15). The three modules in use are found by name instead.
function(winnow_find_opencv module)
  find_path(OPENCV_INCLUDE_DIR opencv2/core.hpp PATH_SUFFIXES opencv4 REQUIRED)
  find_library(OPENCV_${module}_LIBRARY opencv_${module} REQUIRED)
  add_library(opencv::${module} UNKNOWN IMPORTED GLOBAL)
  set_target_properties(opencv::${module} PROPERTIES
    IMPORTED_LOCATION ${OPENCV_${module}_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${OPENCV_INCLUDE_DIR})
endfunction()
winnow_find_opencv(core)
winnow_find_opencv(imgproc)
winnow_find_opencv(dnn)

find_path(STB_INCLUDE_DIR stb_image.h PATH_SUFFIXES stb REQUIRED)

# Benchmarks compare with faiss where deploy/packages/bench.txt is installed. Debian's own CMake file
# wants the package of every language binding.
find_path(FAISS_INCLUDE_DIR faiss/IndexBinaryHash.h)
find_library(FAISS_LIBRARY faiss)
find_package(OpenMP QUIET)
find_package(LAPACK QUIET)
if(FAISS_INCLUDE_DIR AND FAISS_LIBRARY AND OpenMP_CXX_FOUND AND LAPACK_FOUND)
  add_library(faiss::binary UNKNOWN IMPORTED GLOBAL)
  set_target_properties(faiss::binary PROPERTIES
    IMPORTED_LOCATION ${FAISS_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${FAISS_INCLUDE_DIR}
    INTERFACE_LINK_LIBRARIES "OpenMP::OpenMP_CXX;LAPACK::LAPACK")
endif()
