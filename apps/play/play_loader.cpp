#include "apps/play/play_loader.h"

#include <map>
#include <utility>

#include "apps/interrupt.h"

namespace ondes {

PlayLoadResult load_inputs(const PlayLoadRequest& request,
                           const std::function<void(const std::string& path)>& begins) {
  PlayLoadResult result;
  std::map<int, std::shared_ptr<const PlayInput>> known;  // a list that repeats has items twice
  double loaded_s = 0.0;
  for (const PlayCandidate& candidate : request.candidates) {
    const auto [at, is_new] = known.try_emplace(candidate.item, candidate.input);
    std::shared_ptr<const PlayInput>& input = at->second;
    if (!input && !is_new) {
      continue;  // it could not be played the first time
    }
    if (!input) {
      if (begins) {
        begins(candidate.path);
      }
      try {
        input = load_play_input(candidate.path, *request.voice, request.options);
      } catch (const Error& error) {
        if (error.code() == ErrorCode::interrupted) {
          throw;
        }
        result.failures.push_back({candidate.item, error});
        continue;
      }
    }
    result.loaded.push_back({candidate.item, input});
    loaded_s += input->duration_s;
    if (loaded_s >= request.enough_s || static_cast<int>(result.loaded.size()) >= request.most) {
      break;
    }
  }
  return result;
}

PlayLoader::PlayLoader() : thread_([this] { run(); }) {}

PlayLoader::~PlayLoader() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
    request_.reset();
    abandoned_.store(true);
  }
  changed_.notify_all();
  thread_.join();
}

void PlayLoader::begin(PlayLoadRequest request) {
  {
    const std::lock_guard lock(mutex_);
    abandoned_.store(true);
    outcome_.reset();
    loading_ = request.candidates.empty() ? "" : request.candidates.front().path;
    request_ = std::move(request);
  }
  changed_.notify_all();
}

void PlayLoader::abandon() {
  const std::lock_guard lock(mutex_);
  abandoned_.store(true);
  outcome_.reset();
  request_.reset();
}

bool PlayLoader::busy() const {
  const std::lock_guard lock(mutex_);
  return request_ || outcome_ || (working_ && !abandoned_.load());
}

std::string PlayLoader::loading() const {
  const std::lock_guard lock(mutex_);
  return request_ || (working_ && !abandoned_.load()) ? loading_ : "";
}

std::optional<PlayLoadResult> PlayLoader::take() {
  std::optional<Outcome> outcome;
  {
    const std::lock_guard lock(mutex_);
    outcome = std::exchange(outcome_, std::nullopt);
  }
  if (!outcome) {
    return std::nullopt;
  }
  if (outcome->failure) {
    std::rethrow_exception(outcome->failure);
  }
  return std::move(outcome->result);
}

void PlayLoader::wait(std::chrono::milliseconds most) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, most,
                    [&] { return outcome_ || !(request_ || (working_ && !abandoned_.load())); });
}

void PlayLoader::run() {
  const AbandonedBy also(abandoned_);
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return ends_ || request_; });
    if (ends_) {
      return;
    }
    const PlayLoadRequest request = *std::exchange(request_, std::nullopt);
    abandoned_.store(false);
    working_ = true;
    lock.unlock();
    Outcome outcome = load(request);
    lock.lock();
    working_ = false;
    if (!abandoned_.load()) {
      outcome_ = std::move(outcome);
    }
    changed_.notify_all();
  }
}

PlayLoader::Outcome PlayLoader::load(const PlayLoadRequest& request) {
  Outcome outcome;
  try {
    outcome.result = load_inputs(request, [this](const std::string& path) {
      const std::lock_guard lock(mutex_);
      if (!abandoned_.load()) {
        loading_ = path;
      }
    });
  } catch (...) {
    outcome.failure = std::current_exception();
  }
  return outcome;
}

}  // namespace ondes
