#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "libs/image/jpeg_session.h"
#include "libs/image/jpeg_writer.h"
#include "libs/image/redact_task.h"
#include "libs/image/regions.h"

namespace winnow::image {
namespace {

// A single component is never interleaved: its MCU is one block whatever its sampling factors.
Grid GridOf(const jpeg_decompress_struct& codec) {
  const bool interleaved = codec.num_components > 1;
  const auto unit = [&](int factor) {
    return static_cast<std::uint32_t>(DCTSIZE * (interleaved ? factor : 1));
  };
  return {unit(codec.max_h_samp_factor), unit(codec.max_v_samp_factor), codec.image_width,
          codec.image_height};
}

struct Component {
  jvirt_barray_ptr blocks;
  JDIMENSION rows;     // of blocks
  JDIMENSION columns;
  JDIMENSION per_unit_x;  // blocks of this component in a unit of the grid
  JDIMENSION per_unit_y;
};

Component ComponentOf(const jpeg_decompress_struct& codec, jvirt_barray_ptr* arrays, int index) {
  const jpeg_component_info& info = codec.comp_info[index];
  const bool interleaved = codec.num_components > 1;
  return {arrays[index], info.height_in_blocks, info.width_in_blocks,
          static_cast<JDIMENSION>(interleaved ? info.h_samp_factor : 1),
          static_cast<JDIMENSION>(interleaved ? info.v_samp_factor : 1)};
}

JBLOCKROW RowOf(jpeg_decompress_struct& codec, const Component& component, JDIMENSION row) {
  return codec.mem->access_virt_barray(reinterpret_cast<j_common_ptr>(&codec), component.blocks,
                                       row, 1, TRUE)[0];
}

JCOEF MeanOf(std::int64_t sum, std::int64_t count) {
  return static_cast<JCOEF>((sum >= 0 ? sum + count / 2 : sum - count / 2) / count);
}

// All blocks of a component share one quantisation table, so DC terms average as they are.
void AverageCell(jpeg_decompress_struct& codec, const Component& component, const Region& cell) {
  const JDIMENSION top = cell.top * component.per_unit_y;
  const JDIMENSION left = cell.left * component.per_unit_x;
  const JDIMENSION bottom = std::min(component.rows, cell.bottom * component.per_unit_y);
  const JDIMENSION right = std::min(component.columns, cell.right * component.per_unit_x);
  std::int64_t sum = 0;
  std::int64_t count = 0;
  for (JDIMENSION y = top; y < bottom; ++y) {
    JBLOCKROW row = RowOf(codec, component, y);
    for (JDIMENSION x = left; x < right; ++x, ++count) sum += row[x][0];
  }
  if (count == 0) return;
  const JCOEF mean = MeanOf(sum, count);
  for (JDIMENSION y = top; y < bottom; ++y) {
    JBLOCKROW row = RowOf(codec, component, y);
    for (JDIMENSION x = left; x < right; ++x) {
      std::memset(row[x], 0, sizeof(JBLOCK));
      row[x][0] = mean;
    }
  }
}

void Destroy(jpeg_decompress_struct& codec, jvirt_barray_ptr* arrays, const Region* cells,
             std::size_t count) {
  for (int i = 0; i < codec.num_components; ++i) {
    const Component component = ComponentOf(codec, arrays, i);
    for (std::size_t cell = 0; cell < count; ++cell) AverageCell(codec, component, cells[cell]);
  }
}

void WriteSegments(jpeg_compress_struct& codec, const std::vector<std::string>& segments) {
  constexpr std::size_t kHead = 4;  // marker and length, which libjpeg writes itself
  for (const std::string& segment : segments) {
    jpeg_write_marker(&codec, static_cast<std::uint8_t>(segment[1]),
                      reinterpret_cast<const JOCTET*>(segment.data() + kHead),
                      static_cast<unsigned>(segment.size() - kHead));
  }
}

bool HasSymbols(const JHUFF_TBL* table, int last_symbol) {
  if (table == nullptr) return false;
  std::size_t count = 0;
  for (int length = 1; length <= 16; ++length) count += table->bits[length];
  count = std::min(count, sizeof table->huffval);
  const UINT8* end = table->huffval + count;
  for (int symbol = 0; symbol <= last_symbol; ++symbol) {
    if (std::find(table->huffval, end, symbol) == end) return false;
  }
  return true;
}

// Whether the file's own Huffman tables can code what redaction makes: any difference of DC terms
// (0 to 11 bits), and "end of block". Later scans may have replaced tables, so only with one scan.
bool TablesSuffice(const jpeg_decompress_struct& from) {
  if (from.progressive_mode || from.arith_code || from.input_scan_number != 1) return false;
  for (int i = 0; i < from.num_components; ++i) {
    const jpeg_component_info& info = from.comp_info[i];
    constexpr int kMaxDcBits = 11;
    if (!HasSymbols(from.dc_huff_tbl_ptrs[info.dc_tbl_no], kMaxDcBits)) return false;
    if (!HasSymbols(from.ac_huff_tbl_ptrs[info.ac_tbl_no], 0)) return false;
  }
  return true;
}

void CopyTable(jpeg_compress_struct& to, const JHUFF_TBL* from, JHUFF_TBL*& slot) {
  if (from == nullptr) return;
  if (slot == nullptr) slot = jpeg_alloc_huff_table(reinterpret_cast<j_common_ptr>(&to));
  std::memcpy(slot->bits, from->bits, sizeof from->bits);
  std::memcpy(slot->huffval, from->huffval, sizeof from->huffval);
}

void CopyTables(const jpeg_decompress_struct& from, jpeg_compress_struct& to) {
  for (int i = 0; i < NUM_HUFF_TBLS; ++i) {
    CopyTable(to, from.dc_huff_tbl_ptrs[i], to.dc_huff_tbl_ptrs[i]);
    CopyTable(to, from.ac_huff_tbl_ptrs[i], to.ac_huff_tbl_ptrs[i]);
  }
  for (int i = 0; i < from.num_components; ++i) {
    to.comp_info[i].dc_tbl_no = from.comp_info[i].dc_tbl_no;
    to.comp_info[i].ac_tbl_no = from.comp_info[i].ac_tbl_no;
  }
}

// Making new Huffman tables takes another pass over all coefficients, so it is done only if needed.
void ChooseCoding(const jpeg_decompress_struct& from, jpeg_compress_struct& to) {
  to.restart_interval = from.restart_interval;
  if (from.progressive_mode) jpeg_simple_progression(&to);
  if (TablesSuffice(from)) {
    CopyTables(from, to);
  } else {
    to.optimize_coding = TRUE;
  }
}

void WriteFile(jpeg_decompress_struct& from, jvirt_barray_ptr* arrays,
               const std::vector<std::string>& segments, jpeg_compress_struct& to) {
  jpeg_copy_critical_parameters(&from, &to);
  ChooseCoding(from, to);
  jpeg_write_coefficients(&to, arrays);
  WriteSegments(to, segments);
  jpeg_finish_compress(&to);
}

Error ErrorOf(const JpegGuard& guard) {
  return InputError(fmt::format("cannot rewrite the JPEG file: {}", guard.message));
}

// jpeg_read_coefficients stops behind EOI.
bool HasTrailingData(const jpeg_decompress_struct& codec) { return codec.src->bytes_in_buffer > 0; }

}  // namespace

Result<std::string> RedactJpeg(const RedactTask& task, Kinds& kinds) {
  const std::size_t pixels = std::size_t{task.frame.pixels.width} * task.frame.pixels.height;
  JpegReader reader(task.bytes, nullptr, pixels * 16 + (32u << 20));
  jpeg_decompress_struct& source = reader.codec();
  if (reader.guard().stop != JpegStop::kNone) return ErrorOf(reader.guard());
  if (source.image_width != task.frame.pixels.width ||
      source.image_height != task.frame.pixels.height) {
    return InputError("the JPEG file is not the one that was decoded");
  }
  WINNOW_ASSIGN_OR_RETURN(
      const auto cells, MosaicCells(task.boxes, GridOf(source), task.options.cells, DCTSIZE));
  JpegMetadata metadata = PlanJpegMetadata(task.bytes, task.frame.orientation);
  jvirt_barray_ptr* arrays = nullptr;
  if (!Guarded(reader.guard(), [&] {
        arrays = jpeg_read_coefficients(&source);
        Destroy(source, arrays, cells.data(), cells.size());
      })) {
    return ErrorOf(reader.guard());
  }
  std::string out;
  JpegWriter writer(out);
  const bool written =
      writer.ok() && Guarded(writer.guard(), [&] {
        WriteFile(source, arrays, metadata.segments, writer.codec());
      });
  if (!written) return ErrorOf(writer.guard());
  kinds.merge(metadata.dropped);
  if (HasTrailingData(source)) kinds.insert("trailing_data");
  return out;
}

}  // namespace winnow::image
