#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include "libs/blob/blob_store.h"

namespace winnow::blob {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr std::uint64_t kPlenty = 1u << 30;

std::string Bytes(int index) {
  return fmt::format("picture {} ", index) + std::string(static_cast<std::size_t>(index) * 977, 'x');
}

class DirectoryStoreTest : public ::testing::Test {
 protected:
  DirectoryStoreTest() {
    std::string name = (fs::temp_directory_path() / "winnow-blob-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~DirectoryStoreTest() override { fs::remove_all(directory_); }

  std::unique_ptr<BlobStore> Open() const {
    auto store = OpenDirectory(Root());
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }
  std::string Root() const { return directory_ + "/deep/store"; }
  std::string PathOf(const std::string& bytes) const {
    const std::string hex = ToHex(Sha256(bytes));
    return Root() + "/" + hex.substr(0, 2) + "/" + hex;
  }
  std::size_t FilesIn(const std::string& path) const {
    std::size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(path)) files += !entry.is_directory();
    return files;
  }
  // The exit code of a child process that runs `work`; -1 if a signal ended it.
  static int InChild(const std::function<int()>& work) { return Join(Fork(work)); }
  static pid_t Fork(const std::function<int()>& work) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(work());
    return child;
  }
  static int Join(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::string directory_;
};

void Write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

TEST_F(DirectoryStoreTest, LetsTheUmaskSayWhoMayWrite) {
  const int status = InChild([this] {
    ::umask(0007);
    return OpenDirectory(Root()) ? 0 : 1;
  });
  ASSERT_EQ(status, 0);
  for (const std::string place : {"", "/00", "/ff", "/staging"}) {
    EXPECT_EQ(fs::status(Root() + place).permissions(), fs::perms{0770}) << place;
  }
}

TEST_F(DirectoryStoreTest, GivesBackWhatWasPutAlsoToAnotherProcessLater) {
  for (const int index : {0, 1, 5'000}) {
    ASSERT_TRUE(Open()->Put(Sha256(Bytes(index)), Bytes(index)));
    EXPECT_EQ(Open()->Get(Sha256(Bytes(index)), kPlenty)->view(), Bytes(index));
  }
  ASSERT_TRUE(Open()->Put(Sha256(""), ""));
  EXPECT_EQ(Open()->Get(Sha256(""), 0)->view(), "");
}

TEST_F(DirectoryStoreTest, KeepsTheSameBytesOnceUnderTheirDigest) {
  const auto store = Open();
  ASSERT_TRUE(store->Put(Sha256(Bytes(7)), Bytes(7)));
  ASSERT_TRUE(store->Put(Sha256(Bytes(7)), Bytes(7)));
  EXPECT_TRUE(fs::is_regular_file(PathOf(Bytes(7))));
  EXPECT_EQ(FilesIn(Root()), 1u);
}

TEST_F(DirectoryStoreTest, PuttingAgainRenewsTheTimeOfABlob) {
  const auto store = Open();
  ASSERT_TRUE(store->Put(Sha256(Bytes(7)), Bytes(7)));
  const auto long_ago = fs::last_write_time(PathOf(Bytes(7))) - std::chrono::hours(100);
  fs::last_write_time(PathOf(Bytes(7)), long_ago);
  ASSERT_TRUE(store->Put(Sha256(Bytes(7)), Bytes(7)));
  EXPECT_GT(fs::last_write_time(PathOf(Bytes(7))), long_ago + std::chrono::hours(99));
}

TEST_F(DirectoryStoreTest, RefusesBytesUnderAForeignDigest) {
  const auto store = Open();
  EXPECT_EQ(store->Put(Sha256("a"), "b").error().code, ErrorCode::kBug);
  EXPECT_EQ(FilesIn(Root()), 0u);
}

TEST_F(DirectoryStoreTest, SaysInputOfABlobThatIsNotThereOrTooLong) {
  const auto store = Open();
  EXPECT_EQ(store->Get(Sha256("nothing"), kPlenty).error().code, ErrorCode::kInput);
  ASSERT_TRUE(store->Put(Sha256("four"), "four"));
  EXPECT_EQ(store->Get(Sha256("four"), 3).error().code, ErrorCode::kInput);
  EXPECT_TRUE(store->Get(Sha256("four"), 4));
}

TEST_F(DirectoryStoreTest, NoticesDamageAndMendsItWhenTheBytesComeAgain) {
  const auto store = Open();
  const std::string bytes = Bytes(3);
  for (const std::string& damaged :
       {std::string(), bytes.substr(1), bytes + "more", std::string(bytes.size(), 'y')}) {
    ASSERT_TRUE(store->Put(Sha256(bytes), bytes));
    Write(PathOf(bytes), damaged);
    EXPECT_EQ(store->Get(Sha256(bytes), kPlenty).error().code, ErrorCode::kInput);
    ASSERT_TRUE(store->Put(Sha256(bytes), bytes));
    EXPECT_EQ(store->Get(Sha256(bytes), kPlenty)->view(), bytes);
  }
}

TEST_F(DirectoryStoreTest, FollowsNoLinkAndReadsNoPipe) {
  const auto store = Open();
  const std::string bytes = Bytes(1);
  Write(directory_ + "/elsewhere", bytes);
  fs::create_symlink(directory_ + "/elsewhere", PathOf(bytes));
  EXPECT_EQ(store->Get(Sha256(bytes), kPlenty).error().code, ErrorCode::kInput);
  ASSERT_TRUE(store->Put(Sha256(bytes), bytes));
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(PathOf(bytes))));

  ASSERT_EQ(::mkfifo(PathOf(Bytes(2)).c_str(), 0600), 0);
  EXPECT_EQ(store->Get(Sha256(Bytes(2)), kPlenty).error().code, ErrorCode::kInput);

  fs::create_directory(PathOf(Bytes(4)));
  EXPECT_EQ(store->Get(Sha256(Bytes(4)), kPlenty).error().code, ErrorCode::kInput);
  EXPECT_EQ(store->Put(Sha256(Bytes(4)), Bytes(4)).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(FilesIn(Root() + "/staging"), 0u);
}

// A volume that is not mounted any more must not turn every record into a dead letter.
TEST_F(DirectoryStoreTest, TellsAStoreThatIsGoneFromABlobThatIsNotThere) {
  const auto store = Open();
  fs::remove_all(Root());
  EXPECT_EQ(store->Get(Sha256("x"), kPlenty).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(store->Put(Sha256("x"), "x").error().code, ErrorCode::kUnavailable);
}

TEST_F(DirectoryStoreTest, RefusesADirectoryThatCannotBeUsed) {
  EXPECT_EQ(OpenDirectory("").error().code, ErrorCode::kConfig);
  Write(directory_ + "/file", "x");
  EXPECT_EQ(OpenDirectory(directory_ + "/file").error().code, ErrorCode::kConfig);
  EXPECT_EQ(OpenDirectory(directory_ + "/file/below").error().code, ErrorCode::kConfig);
  EXPECT_EQ(OpenDirectory("/proc/winnow").error().code, ErrorCode::kConfig);
  fs::create_directories(directory_ + "/odd");
  Write(directory_ + "/odd/7f", "x");
  const auto odd = OpenDirectory(directory_ + "/odd");
  ASSERT_FALSE(odd);
  EXPECT_THAT(odd.error().message, HasSubstr("odd/7f"));
}

TEST_F(DirectoryStoreTest, RemovesWhatADeadWriterLeftAndNothingElse) {
  Open();
  Write(Root() + "/staging/put-dead", "half");
  Write(Root() + "/staging/put-live", "half");
  const int live = ::open((Root() + "/staging/put-live").c_str(), O_RDONLY);
  ASSERT_EQ(::flock(live, LOCK_EX), 0);
  Open();
  EXPECT_FALSE(fs::exists(Root() + "/staging/put-dead"));
  EXPECT_TRUE(fs::exists(Root() + "/staging/put-live"));
  ::close(live);
}

TEST_F(DirectoryStoreTest, SeveralProcessesPutTheSameBlobsAtOnce) {
  constexpr int kBlobs = 40;
  std::vector<pid_t> children;
  for (int child = 0; child < 4; ++child) {
    children.push_back(Fork([this] {
      const auto store = OpenDirectory(Root());
      if (!store) return 1;
      for (int i = 0; i < kBlobs; ++i) {
        if (!(*store)->Put(Sha256(Bytes(i)), Bytes(i))) return 2;
        if (!(*store)->Get(Sha256(Bytes(i)), kPlenty)) return 3;
      }
      return 0;
    }));
  }
  for (const pid_t child : children) EXPECT_EQ(Join(child), 0);
  EXPECT_EQ(FilesIn(Root()), std::size_t{kBlobs});
}

TEST_F(DirectoryStoreTest, AKilledWriterLeavesNoPartOfABlob) {
  const std::string big(4u << 20, 'b');
  const auto store = Open();
  for (int round = 0; round < 5; ++round) {
    const std::string bytes = big + std::to_string(round);
    const pid_t child = Fork([&] { return store->Put(Sha256(bytes), bytes) ? 0 : 1; });
    while (FilesIn(Root() + "/staging") == 0 && !fs::exists(PathOf(bytes))) {
    }
    ::kill(child, SIGKILL);
    Join(child);
    const auto got = Open()->Get(Sha256(bytes), kPlenty);
    EXPECT_TRUE(got ? got->view() == bytes : got.error().code == ErrorCode::kInput);
    EXPECT_EQ(got.has_value(), fs::exists(PathOf(bytes)));
    EXPECT_EQ(FilesIn(Root() + "/staging"), 0u);
  }
}

TEST_F(DirectoryStoreTest, AFileThatCannotGrowIsUnavailableAndLeavesNothing) {
  Open();
  const int code = InChild([this] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto store = OpenDirectory(Root());
    if (!store) return 1;
    const Status put = (*store)->Put(Sha256(Bytes(9)), Bytes(9));
    return !put && put.error().code == ErrorCode::kUnavailable ? 0 : 2;
  });
  EXPECT_EQ(code, 0);
  EXPECT_EQ(FilesIn(Root()), 0u);
}

TEST_F(DirectoryStoreTest, AFullDiskIsUnavailableAndEarlierBlobsStay) {
  fs::create_directories(Root());
  if (::mount("tmpfs", Root().c_str(), "tmpfs", 0, "size=256k") != 0) {
    GTEST_SKIP() << "needs the right to mount a tmpfs";
  }
  {
    const auto store = Open();
    ASSERT_TRUE(store->Put(Sha256("small"), "small"));
    const std::string big(1u << 20, 'b');
    const Status put = store->Put(Sha256(big), big);
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(put.error().message, HasSubstr("free space"));
    EXPECT_EQ(store->Get(Sha256("small"), kPlenty)->view(), "small");
    EXPECT_EQ(FilesIn(Root()), 1u);
    EXPECT_TRUE(store->Put(Sha256("also small"), "also small"));
  }
  EXPECT_EQ(::umount(Root().c_str()), 0);
}

}  // namespace
}  // namespace winnow::blob
