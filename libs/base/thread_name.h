// Names of threads, so that `top -H` and a profile tell what a process is busy with.
#pragma once

#include <pthread.h>

namespace winnow {

// Of the calling thread; at most 15 characters, more and it stays without.
inline void NameThisThread(const char* name) { pthread_setname_np(pthread_self(), name); }

}  // namespace winnow
