// Internal to libs/kafka: the stage's member of the consumer group. Messages come through queues of
// their own, one a partition, apart from the group's events: a stage that is busy leaves messages
// where they are and still answers the group. So nothing is ever paused, which in librdkafka 2.0.2
// throws away what was fetched.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/result.h"
#include "libs/kafka/client.h"
#include "libs/kafka/stage_runner.h"
#include "libs/kafka/stage_topics.h"
#include "libs/kafka/reachability.h"
#include "libs/kafka/wakeup.h"

namespace winnow::kafka {

struct DestroyQueue {
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
};
using RdQueue = std::unique_ptr<rd_kafka_queue_t, DestroyQueue>;

// What the group says, called within Serve.
class GroupEvents {
 public:
  virtual ~GroupEvents() = default;
  virtual void Assigned(const std::vector<int>& partitions) = 0;
  // `lost`: another member may have them already. What was judged must not be committed then.
  enum class Cause { kRebalance, kLost };
  virtual void Revoked(Cause cause) = 0;
};

// How often a member says that it lives, which is also how soon it learns of a namesake.
std::chrono::milliseconds HeartbeatInterval(std::chrono::milliseconds session_timeout);

// One thread, but for lost(), fenced() and Committed().
class StageConsumer : private ClientListener {
 public:
  // Joins the group. All arguments must outlive it.
  static Result<std::unique_ptr<StageConsumer>> Join(const StageOptions& options,
                                                     const StageTopics& topics,
                                                     GroupEvents& events,
                                                     Reachability& reachable,
                                                     Wakeup& wakeup);
  ~StageConsumer() override;

  // Answers the group. An Error is one that ends the stage.
  Status Serve();

  // Reads these partitions, each from its offset, and no others; what was fetched before is
  // dropped. Reading begins with one of the next calls of Serve.
  using Positions = std::vector<std::pair<int, std::int64_t>>;
  Status Read(Positions positions);

  // A message or the news that the end of a partition was reached (_PARTITION_EOF); null if there
  // is none now. Partitions take turns.
  RdMessage Take();

  RdGroup Metadata() const;
  // Fills in the group's offsets; also from other threads.
  Status Committed(rd_kafka_topic_partition_list_t* offsets) const;
  // Commits a partition's offset to the group outside any transaction, without waiting and without
  // knowing the end: for stages whose progress is kept elsewhere.
  void CommitAsync(int partition, std::int64_t offset);
  // Asks a broker for a sign of life.
  bool Answers() const;
  // Another process is the member of the group that this one was. Serve has failed then, or will.
  bool fenced() const { return fenced_; }
  bool lost() const { return rd_kafka_assignment_lost(client_.get()) != 0; }
  // Of the partition, as the last fetch told; -1 before.
  std::int64_t EndOf(int partition) const;

 private:
  StageConsumer(const StageTopics& topics, GroupEvents& events, Reachability& reachable,
                Wakeup& wakeup)
      : topics_(topics), events_(events), reachable_(reachable), wakeup_(wakeup) {}
  void OnRebalance(rd_kafka_t* client, rd_kafka_resp_err_t code,
                   rd_kafka_topic_partition_list_t* partitions) override;
  void OnError(rd_kafka_resp_err_t code, std::string_view reason) override;
  Error Broken(rd_kafka_resp_err_t code, std::string_view reason);
  Status Assign(const Positions& positions);
  Status AssignDue();
  void OpenQueue(int partition);

  const StageTopics& topics_;
  GroupEvents& events_;
  Reachability& reachable_;
  Wakeup& wakeup_;
  std::optional<Error> broken_;
  std::atomic<bool> fenced_{false};
  RdClient client_;
  RdQueue group_;
  std::map<int, RdQueue> queues_;   // of every partition there ever was
  std::vector<int> reading_;        // partitions
  std::optional<Positions> wanted_;  // to be read from `assign_at_` on
  std::chrono::steady_clock::time_point assign_at_{};
  std::size_t turn_ = 0;            // index in reading_
  int taken_ = 0;                   // in this turn
};

}  // namespace winnow::kafka
