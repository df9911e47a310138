#include "libs/service/models.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace winnow::service {

namespace fs = std::filesystem;

std::string FindModelDirectory(const std::string& option) {
  if (!option.empty()) return option;
  if (const char* const variable = std::getenv("WINNOW_MODEL_DIR")) return variable;
  std::error_code error;
  const fs::path bin = fs::read_symlink("/proc/self/exe", error).parent_path();
  const fs::path installed = bin.parent_path() / "share" / "winnow" / "models";
  if (fs::exists(installed, error)) return installed.string();
  // build/<preset>/bin -> build/models
  return (bin.parent_path().parent_path() / "models").string();
}

}  // namespace winnow::service
