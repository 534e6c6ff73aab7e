// What the system says of the last cache, and what becomes of it if it says something else.
#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "cache.hpp"

using namespace snmf4j;

namespace {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "snmf4j-cache-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  int64_t read(const std::string& size, const std::string& list, int threads) const {
    std::ofstream(path_ / "size") << size << '\n';
    std::ofstream(path_ / "shared_cpu_list") << list << '\n';
    return last_cache(threads, path_.string());
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("one cache, and as many as threads fill") {
  const Folder folder;
  CHECK(folder.read("32768K", "0-1", 2) == 32 << 20);
  CHECK(folder.read("32768K", "0", 1) == 32 << 20);
  CHECK(folder.read("32768K", "0-7,64-71", 1) == 32 << 20);
  CHECK(folder.read("32768K", "0-7,64-71", 31) == 32 << 20);
  CHECK(folder.read("32768K", "0-7,64-71", 32) == 64 << 20);
  CHECK(folder.read("1024K", "3,5", 4) == 2 << 20);
}

TEST_CASE("nothing is made of what is not understood") {
  const Folder folder;
  CHECK(last_cache(2, folder.path().string()) == 0);
  CHECK(last_cache(2, "/nowhere") == 0);
  for (const char* size : {"", "K", "32M", "32", "-1K", "99999999999999999999K", "9999999999K"}) {
    CAPTURE(size);
    CHECK(folder.read(size, "0-1", 2) == 0);
  }
  for (const char* list : {"", "x", "3-1", "0-1,x"}) {
    CAPTURE(list);
    CHECK(folder.read("32768K", list, 2) == 0);
  }
}

TEST_CASE("this machine") {
  CHECK(last_cache(1) >= 0);
  CHECK(last_cache(1024) >= last_cache(1));
}
