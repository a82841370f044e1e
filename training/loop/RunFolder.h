// The folder of a run: checkpoint, and the log as CSV and as JSON lines.
//
// The records of all epochs so far are part of the checkpoint, and the log
// files are written anew from them: so a resumed run continues the log of the
// interrupted one without a gap and without an epoch twice.
#ifndef LPGEN_TRAINING_LOOP_RUNFOLDER_H
#define LPGEN_TRAINING_LOOP_RUNFOLDER_H

#include "base/system/FileLock.h"
#include "training/loop/Trainer.h"
#include "training/record/LossAllocation.h"
#include "training/record/StepRecorder.h"
#include <nlohmann/json.hpp>

namespace lpgen::train {

class RunFolder {
public:
  /// Makes the folder if it is not there. Workers but the first have a
  /// checkpoint of their own in it.
  static Result<RunFolder> open(const std::string &path, int rank = 0);

  std::string checkpointPath() const {
    return path + (rank == 0 ? "/checkpoint.lpt"
                             : "/checkpoint-" + std::to_string(rank) + ".lpt");
  }
  bool hasCheckpoint() const;

  /// To be called before anything is written: an error if another process has
  /// the folder. What killed ones have left is removed.
  Status lock();

  /// The config of the checkpoint in the folder.
  Result<Config> readConfig() const;
  /// An error if the checkpoint is of another data set.
  Status checkData(const data::Dataset &data) const;
  /// Brings the trainer, made with that config and data, to the state of the
  /// checkpoint.
  Status restore(Trainer &trainer);
  /// Makes the logs those of the checkpoint that was restored, whatever has
  /// become of them.
  Status writeLogs(const Trainer &trainer) const;
  /// Gives a trainer before its first step the weights and the statistics of
  /// batch norm of the last checkpoint in `folder`, a run of the same model.
  static Status startFrom(const std::string &folder, Trainer &trainer);
  /// Writes the state of the trainer.
  Status save(Trainer &trainer);
  /// The same at all workers: none replaces its checkpoint before every one has
  /// written the new one.
  Status saveTogether(Trainer &trainer, ProcessGroup &workers);

  /// Sees all steps of the trainer, for the log; the folder must outlive it.
  void observe(Trainer &trainer);
  /// Also allocates the change of the loss, for the log; to be called after
  /// restore. The trainer must not outlive the folder.
  Status allocateLoss(Trainer &trainer, const LossAllocationOptions &options);
  /// Adds the epoch that the trainer has just completed to the logs.
  /// `moved` is of the images of its adversary, if it has one.
  Status logEpoch(const Trainer &trainer, const Totals &test,
                  const std::optional<Totals> &moved = std::nullopt);
  /// One JSON object for each epoch.
  const nlohmann::json &epochs() const { return history; }

private:
  RunFolder(std::string path, int rank) : path(std::move(path)), rank(rank) {}

  Result<nlohmann::json> readMeta() const;
  Status saveAs(const std::string &file, Trainer &trainer);

  std::string path;
  int rank;
  std::optional<FileLock> writer;
  StepRecorder recorder; ///< Of the epoch that is under way.
  std::unique_ptr<LossAllocation> allocation; ///< The same; null unless wanted.
  nlohmann::json openAllocation; ///< That of an interrupted run, restored.
  nlohmann::json history = nlohmann::json::array();
};

} // namespace lpgen::train

#endif // LPGEN_TRAINING_LOOP_RUNFOLDER_H
