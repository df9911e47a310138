// Label files and image headers that anybody may have put into a folder.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libs/base/check.h"
#include "libs/ingest/geometry_json.h"
#include "libs/ingest/image_header.h"
#include "libs/ingest/json_sidecar.h"
#include "libs/ingest/labels.h"
#include "libs/ingest/yolo_labels.h"

namespace {

using namespace winnow::ingest;  // NOLINT(google-build-using-namespace)

// The first byte says which parser the rest is for.
enum class Parser { kJson, kYolo, kPose, kClassList, kDataYaml, kRunLengths, kHeader, kCount };

void TurnEveryWay(const Labels& labels) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const ImageHeader header{64, 48, orientation, std::nullopt};
    for (winnow::record::Annotation annotation : labels.annotations) {
      MoveToStored(header, annotation);
    }
  }
}

void Run(Parser parser, std::string_view text) {
  const YoloClasses boxes{{"cat", "dog"}, 0, 0};
  const YoloClasses poses{{"person"}, 2, 3};
  switch (parser) {
    case Parser::kJson:
      if (const auto labels = ParseJsonSidecar(text)) TurnEveryWay(*labels);
      return;
    case Parser::kYolo: (void)ParseYoloLabels(text, boxes, {64, 48}); return;
    case Parser::kPose: (void)ParseYoloLabels(text, poses, {64, 48}); return;
    case Parser::kClassList: (void)ParseClassList(text); return;
    case Parser::kDataYaml: (void)ParseDataYaml(std::string(text)); return;
    case Parser::kRunLengths: (void)DecodeRunLengths(text); return;
    case Parser::kHeader: {
      const ImageHeader header = ReadImageHeader(text);
      WINNOW_CHECK(header.orientation >= 1 && header.orientation <= 8);
      return;
    }
    case Parser::kCount: return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Run(static_cast<Parser>(data[0] % static_cast<int>(Parser::kCount)), bytes.substr(1));
  return 0;
}
