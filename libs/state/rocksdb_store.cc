#include "libs/state/rocksdb_store.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>

#include "libs/state/engine_log.h"
#include "libs/state/room.h"

namespace winnow::state {

constexpr int kCacheShardBits = 1;

class RocksDbMemory {
 public:
  explicit RocksDbMemory(std::size_t bytes)
      : bytes_(bytes),
        cache_(rocksdb::NewLRUCache(bytes, kCacheShardBits)),
        memtables_(std::make_shared<rocksdb::WriteBufferManager>(bytes / 2, cache_)) {}

  std::size_t bytes() const { return bytes_; }
  const std::shared_ptr<rocksdb::Cache>& cache() const { return cache_; }
  const std::shared_ptr<rocksdb::WriteBufferManager>& memtables() const { return memtables_; }

  void Joined() const { ++stores_; }
  void Left() const { --stores_; }
  std::uint64_t UsedByEach() const {
    return cache_->GetUsage() / std::max<std::uint64_t>(stores_.load(), 1);
  }

 private:
  const std::size_t bytes_;
  const std::shared_ptr<rocksdb::Cache> cache_;
  const std::shared_ptr<rocksdb::WriteBufferManager> memtables_;
  mutable std::atomic<std::uint64_t> stores_{0};
};

std::shared_ptr<const RocksDbMemory> NewRocksDbMemory(std::size_t bytes) {
  return std::make_shared<RocksDbMemory>(bytes);
}

namespace {

constexpr std::string_view kFormatKey = "winnow.state.format";
constexpr std::string_view kFormatVersion = "1";
constexpr double kMemtableFilterShare = 0.05;

Error ToError(const rocksdb::Status& status, const std::string& directory) {
  const std::string what = status.ToString();
  if (status.IsCorruption()) {
    return CorruptStateError(fmt::format(
        "the state in {} is damaged ({}); delete that folder: a service rebuilds it from its "
        "changelog, for `winnow run` delete its output folder, too",
        directory, what));
  }
  if (status.IsNoSpace()) {
    return UnavailableError(
        fmt::format("no space left for the state in {}; free space and run the same command again",
                    directory));
  }
  return UnavailableError(fmt::format("cannot use the state in {}: {}", directory, what));
}

rocksdb::Slice ToSlice(std::string_view view) { return {view.data(), view.size()}; }
std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

class RocksDbStore : public StateStore {
 public:
  RocksDbStore(std::string directory, std::shared_ptr<const RocksDbMemory> memory,
               std::unique_ptr<rocksdb::DB> db,
               std::map<std::string, rocksdb::ColumnFamilyHandle*, std::less<>> families)
      : directory_(std::move(directory)),
        memory_(std::move(memory)),
        db_(std::move(db)),
        families_(std::move(families)) {
    memory_->Joined();
  }

  ~RocksDbStore() override {
    memory_->Left();
    for (const auto& [name, handle] : families_) db_->DestroyColumnFamilyHandle(handle);
  }

  Result<std::optional<std::string>> Get(std::string_view family,
                                         std::string_view key) const override {
    WINNOW_ASSIGN_OR_RETURN(rocksdb::ColumnFamilyHandle* const handle, Find(family));
    std::string value;
    const rocksdb::Status status = db_->Get({}, handle, ToSlice(key), &value);
    if (status.IsNotFound()) return std::optional<std::string>();
    if (!status.ok()) return ToError(status, directory_);
    return std::optional<std::string>(std::move(value));
  }

  Status Scan(std::string_view family, std::string_view prefix,
              const std::function<bool(std::string_view, std::string_view)>& visit)
      const override {
    WINNOW_ASSIGN_OR_RETURN(rocksdb::ColumnFamilyHandle* const handle, Find(family));
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, handle));
    for (it->Seek(ToSlice(prefix)); it->Valid() && ToView(it->key()).starts_with(prefix);
         it->Next()) {
      if (!visit(ToView(it->key()), ToView(it->value()))) break;
    }
    if (!it->status().ok()) return ToError(it->status(), directory_);
    return {};
  }

  Status Commit(const WriteBatch& batch) override {
    rocksdb::WriteBatch writes;
    for (const FamilyWrite& entry : batch) {
      WINNOW_ASSIGN_OR_RETURN(rocksdb::ColumnFamilyHandle* const handle, Find(entry.family));
      const rocksdb::Status status =
          entry.write.value ? writes.Put(handle, entry.write.key, *entry.write.value)
                            : writes.Delete(handle, entry.write.key);
      if (!status.ok()) return ToError(status, directory_);
    }
    WINNOW_RETURN_IF_ERROR(RequireRoom(directory_, kRoomToWrite + writes.GetDataSize()));
    rocksdb::WriteOptions options;
    options.sync = true;
    const rocksdb::Status status = db_->Write(options, &writes);
    if (!status.ok()) return ToError(status, directory_);
    return {};
  }

  stream::StateFigures Figures(const std::vector<std::string>& counted) const override {
    using rocksdb::DB;
    stream::StateFigures figures;
    for (const std::string& family : counted) {
      const auto handle = families_.find(family);
      if (handle == families_.end()) continue;
      figures.entries += Property(handle->second, DB::Properties::kEstimateNumKeys);
    }
    for (const auto& [name, handle] : families_) {
      figures.disk_bytes += Property(handle, DB::Properties::kLiveSstFilesSize) +
                            Property(handle, DB::Properties::kLiveBlobFileSize);
      figures.memory_bytes += Property(handle, DB::Properties::kEstimateTableReadersMem);
      figures.pending_compaction_bytes +=
          Property(handle, DB::Properties::kEstimatePendingCompactionBytes);
    }
    // One cache for all families, and memtables are charged to it.
    figures.memory_bytes += memory_->UsedByEach();
    rocksdb::ColumnFamilyHandle* const any = db_->DefaultColumnFamily();
    figures.writes_stopped = Property(any, DB::Properties::kIsWriteStopped) != 0;
    return figures;
  }

 private:
  std::uint64_t Property(rocksdb::ColumnFamilyHandle* family, const std::string& name) const {
    std::uint64_t value = 0;
    return db_->GetIntProperty(family, name, &value) ? value : 0;
  }

  Result<rocksdb::ColumnFamilyHandle*> Find(std::string_view family) const {
    const auto handle = families_.find(family);
    if (handle == families_.end()) {
      return BugError(fmt::format("state family '{}' was not opened", family));
    }
    return handle->second;
  }

  const std::string directory_;
  const std::shared_ptr<const RocksDbMemory> memory_;
  const std::unique_ptr<rocksdb::DB> db_;
  const std::map<std::string, rocksdb::ColumnFamilyHandle*, std::less<>> families_;
};

// One cache bounds blocks, filters and memtables together. Filters and indexes come in parts of a few
// KiB and the cache has few shards: whole ones of a table outgrow a shard of a small cache, and each
// look-up then reads them from disk. Large values (records held in reserve)
// go to blob files, so that compaction does not rewrite pictures.
rocksdb::Options EngineOptions(const RocksDbMemory& memory) {
  rocksdb::Options engine;
  engine.create_if_missing = true;
  engine.create_missing_column_families = true;
  engine.max_open_files = 256;
  engine.max_background_jobs = 2;
  engine.max_total_wal_size = memory.bytes();
  engine.write_buffer_manager = memory.memtables();
  engine.write_buffer_size = std::max<std::size_t>(memory.bytes() / 8, 1u << 20);
  // Most keys a stage asks for are not there: it asks whether it has seen a record.
  engine.memtable_prefix_bloom_size_ratio = kMemtableFilterShare;
  engine.memtable_whole_key_filtering = true;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = memory.cache();
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  // Of the young tables, of which there are few and which each look-up goes through.
  table.metadata_cache_options.partition_pinning = rocksdb::PinningTier::kFlushedAndSimilar;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  engine.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  engine.enable_blob_files = true;
  engine.min_blob_size = 32u << 10;
  engine.enable_blob_garbage_collection = true;
  return engine;
}

std::vector<rocksdb::ColumnFamilyDescriptor> Descriptors(const RocksDbOptions& options,
                                                         const rocksdb::Options& engine) {
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors = {
      {rocksdb::kDefaultColumnFamilyName, engine}};
  for (const std::string& family : options.families) descriptors.emplace_back(family, engine);
  return descriptors;
}

Error OpenError(const rocksdb::Status& status, const RocksDbOptions& options) {
  const std::string what = status.ToString();
  if (what.find("lock") != std::string::npos && status.IsIOError()) {
    return ConfigError(fmt::format(
        "the state in {} is in use by another run; wait for it to end or stop it",
        options.directory));
  }
  if (status.IsCorruption() || status.IsNoSpace()) return ToError(status, options.directory);
  return ConfigError(fmt::format("cannot open the state in {}: {}; check the path and its permissions",
                                 options.directory, what));
}

// The default family holds nothing but the format version.
Status CheckFormat(rocksdb::DB& db, const RocksDbOptions& options) {
  std::string version;
  const rocksdb::Status status = db.Get({}, ToSlice(kFormatKey), &version);
  if (status.IsNotFound() && options.mode == OpenMode::kReadWrite) {
    rocksdb::WriteOptions write;
    write.sync = true;
    const rocksdb::Status put = db.Put(write, ToSlice(kFormatKey), ToSlice(kFormatVersion));
    if (!put.ok()) return ToError(put, options.directory);
    return {};
  }
  if (status.IsNotFound() || (status.ok() && version != kFormatVersion)) {
    return CorruptStateError(fmt::format(
        "the state in {} has format '{}', this program reads '{}'; use the program that wrote it",
        options.directory, version, kFormatVersion));
  }
  if (!status.ok()) return ToError(status, options.directory);
  return {};
}

}  // namespace

Result<std::unique_ptr<StateStore>> OpenRocksDb(const RocksDbOptions& options) {
  if (options.mode == OpenMode::kReadWrite) {
    WINNOW_RETURN_IF_ERROR(RequireRoom(options.directory, kRoomToOpen));
  }
  const auto memory = options.memory ? options.memory : NewRocksDbMemory(options.memory_bytes);
  rocksdb::Options engine = EngineOptions(*memory);
  if (options.mode == OpenMode::kReadWrite) engine.info_log = OpenEngineLog(options.directory);
  const auto descriptors = Descriptors(options, engine);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status =
      options.mode == OpenMode::kReadOnly
          ? rocksdb::DB::OpenForReadOnly(engine, options.directory, descriptors, &handles, &opened)
          : rocksdb::DB::Open(engine, options.directory, descriptors, &handles, &opened);
  if (!status.ok()) return OpenError(status, options);

  std::unique_ptr<rocksdb::DB> db(opened);
  std::map<std::string, rocksdb::ColumnFamilyHandle*, std::less<>> families;
  for (std::size_t i = 0; i < handles.size(); ++i) families[descriptors[i].name] = handles[i];
  rocksdb::DB& engine_ref = *db;
  std::unique_ptr<StateStore> store = std::make_unique<RocksDbStore>(
      options.directory, memory, std::move(db), std::move(families));
  WINNOW_RETURN_IF_ERROR(CheckFormat(engine_ref, options));
  return store;
}

}  // namespace winnow::state
