// std::mutex with clang thread-safety annotations (checked by the tidy preset).
#pragma once

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define WINNOW_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define WINNOW_THREAD_ANNOTATION(x)
#endif
#define WINNOW_GUARDED_BY(x) WINNOW_THREAD_ANNOTATION(guarded_by(x))
#define WINNOW_REQUIRES(x) WINNOW_THREAD_ANNOTATION(requires_capability(x))

namespace winnow {

class WINNOW_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  void lock() WINNOW_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void unlock() WINNOW_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class WINNOW_THREAD_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) WINNOW_THREAD_ANNOTATION(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() WINNOW_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits with a Mutex held. Call Wait in a loop that tests the condition.
class CondVar {
 public:
  void Wait(Mutex& mutex) WINNOW_REQUIRES(mutex) { condition_.wait(mutex); }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable_any condition_;
};

}  // namespace winnow
