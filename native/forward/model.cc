#include "forward/model.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace quarry {

namespace {
// Below this many FLOPs a chunk is done by one thread: passing work around would cost more than it saves.
constexpr double kTogetherFlops = 5e9;

double chunk_flops(const ModelShape& s) {
  const auto e = static_cast<double>(s.embedding);
  const auto h = static_cast<double>(s.hidden);
  const auto t = static_cast<double>(s.tokens);
  return static_cast<double>(s.layers) * t * (8 * e * e + 4 * e * h + 2 * e * (t + 1));
}
}  // namespace

Model::Model(ModelOptions options)
    : options_(std::move(options)),
      kernels_(kernels_for(options_.isa)),
      pool_(std::max(1u, options_.threads)),
      passes_(options_.shape) {}

std::shared_ptr<const PackedWeights> Model::weights(Precision precision, const std::atomic<bool>* abort,
                                                    bool* packed) {
  auto& slot = weights_[static_cast<size_t>(precision)];
  // A packed file that was cut short is packed again, before a read beyond its end can end the process.
  if (slot != nullptr && !slot->whole()) slot = nullptr;
  if (slot == nullptr) {
    slot = PackedWeights::open(options_.shape, precision, options_.weights_path, options_.tensors, options_.cache_dir,
                               options_.checksum, kernels_, pool_, abort);
    if (packed != nullptr) *packed = slot->packed_now;
  }
  return slot;
}

bool Model::prepare(Precision precision, const std::atomic<bool>* abort) {
  const std::lock_guard<std::mutex> lock(mutex_);
  bool packed = false;
  weights(precision, abort, &packed);
  return packed;
}

void Model::run_chunks(Passes& with, const std::vector<ChunkInput>& chunks, const std::vector<uint64_t>& seeds,
                       Precision precision, const std::atomic<bool>* abort, std::vector<ChunkSums>* sums) {
  const auto packed = weights(precision, abort, nullptr);
  const ModelShape& shape = with.shape;
  const auto slot = static_cast<size_t>(precision);
  sums->resize(chunks.size());
  if (chunks.size() > 1 && pool_.threads() > 1 && chunk_flops(shape) < kTogetherFlops) {
    auto& passes = with.apart[slot];
    while (passes.size() < pool_.threads()) {
      passes.push_back(std::make_unique<Forward>(shape, precision, kernels_, nullptr));
    }
    // Made beforehand: tasks must not throw.
    std::vector<std::shared_ptr<const RopeTables>> ropes;
    std::vector<std::shared_ptr<const NoiseMatrix>> noises;
    for (size_t i = 0; i < chunks.size(); ++i) {
      ropes.push_back(with.rope.at(chunks[i].start, &pool_));
      noises.push_back(noise_matrix(seeds[i], shape.embedding));
    }
    pool_.run(chunks.size(), abort, [&](size_t i, unsigned thread) {
      passes[thread]->run(*packed, chunks[i], *ropes[i], *noises[i], abort, &(*sums)[i]);
    });
    return;
  }
  auto& pass = with.together[slot];
  if (pass == nullptr) pass = std::make_unique<Forward>(shape, precision, kernels_, &pool_);
  for (size_t i = 0; i < chunks.size(); ++i) {
    const auto rope = with.rope.at(chunks[i].start, &pool_);
    const auto noise = noise_matrix(seeds[i], shape.embedding);
    if (!pass->run(*packed, chunks[i], *rope, *noise, abort, &(*sums)[i])) return;
  }
}

std::vector<SampleScore> Model::score(const std::vector<std::vector<uint8_t>>& samples, uint64_t seed,
                                      Precision precision, size_t tokens, const std::atomic<bool>* abort) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::unique_ptr<Passes> other;
  if (tokens != options_.shape.tokens) {
    ModelShape cut = options_.shape;
    cut.tokens = tokens;
    other = std::make_unique<Passes>(cut);
  }
  Passes& passes = other == nullptr ? passes_ : *other;
  const ModelShape& shape = passes.shape;
  const size_t t = shape.tokens;
  std::vector<SampleScore> scores(samples.size());
  // Samples in groups, so that the tables a group needs and its sums stay small.
  constexpr size_t group_chunks = 64;
  std::vector<ChunkInput> chunks;
  std::vector<uint64_t> seeds;
  std::vector<ChunkSums> sums;
  size_t first_sample = 0;

  const auto flush = [&](size_t end_sample) {
    run_chunks(passes, chunks, seeds, precision, abort, &sums);
    if (abort != nullptr && abort->load()) throw CoreError("ABORTED", "scoring was interrupted");
    size_t at = 0;
    for (size_t s = first_sample; s < end_sample; ++s) {
      SampleScore& score = scores[s];
      const size_t count = (samples[s].size() + t - 1) / t;
      const size_t batches = (count + shape.batch - 1) / shape.batch;
      score.embedding.assign(shape.embedding, 0.0f);
      std::vector<double> mean(shape.embedding);
      for (size_t k = 0; k < batches; ++k) {
        const size_t in_batch = std::min(shape.batch, count - k * shape.batch);
        const auto positions = static_cast<double>(in_batch * t);
        double likelihood = 0;
        double sig_reg = 0;
        std::fill(mean.begin(), mean.end(), 0.0);
        for (size_t c = 0; c < in_batch; ++c, ++at) {
          likelihood += sums[at].negative_log_likelihood;
          sig_reg += sums[at].sig_reg;
          for (size_t i = 0; i < mean.size(); ++i) mean[i] += sums[at].embedding[i];
          const float activation = sums[at].activation;
          const float attention = sums[at].attention;
          if (!(activation <= score.activation) && score.activation == score.activation) score.activation = activation;
          if (!(attention <= score.attention) && score.attention == score.attention) score.attention = attention;
        }
        // Running means over batches in f32, as the network takes them.
        const auto n = static_cast<float>(k + 1);
        const auto loss = static_cast<float>(likelihood / positions + kSigRegCoefficient * sig_reg / positions);
        score.loss += (loss - score.loss) / n;
        for (size_t i = 0; i < mean.size(); ++i) {
          const auto value = static_cast<float>(mean[i] / positions);
          score.embedding[i] += (value - score.embedding[i]) / n;
        }
      }
    }
    chunks.clear();
    seeds.clear();
    first_sample = end_sample;
  };

  for (size_t s = 0; s < samples.size(); ++s) {
    if (samples[s].empty()) throw CoreError("ARGUMENT", "a sample has no bytes");
    for (size_t start = 0, c = 0; start < samples[s].size(); start += t, ++c) {
      chunks.push_back({samples[s].data() + start, std::min(t, samples[s].size() - start), start});
      seeds.push_back(seed + c / shape.batch);
    }
    if (chunks.size() >= group_chunks) flush(s + 1);
  }
  if (!chunks.empty()) flush(samples.size());
  return scores;
}

std::vector<float> Model::byte_gradient(const std::vector<uint8_t>& sample, const std::vector<float>& direction,
                                        Precision precision, const std::atomic<bool>* abort) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const ModelShape& shape = options_.shape;
  if (sample.empty()) throw CoreError("ARGUMENT", "a sample has no bytes");
  if (direction.size() != shape.embedding) throw CoreError("ARGUMENT", "the direction has another width");
  const auto packed = weights(precision, abort, nullptr);
  GradientPass& pass = gradient_pass(precision);
  std::vector<float> out(sample.size() * kByteValues);
  std::vector<float> scaled(direction.size());
  const size_t t = shape.tokens;
  const size_t count = (sample.size() + t - 1) / t;
  const size_t batches = (count + shape.batch - 1) / shape.batch;
  for (size_t c = 0; c < count; ++c) {
    // What a position of this chunk weighs in the mean of its batch, and that in the mean of all.
    const size_t in_batch = std::min(shape.batch, count - c / shape.batch * shape.batch);
    const auto weight = static_cast<float>(1.0 / static_cast<double>(batches * in_batch * t));
    for (size_t i = 0; i < scaled.size(); ++i) scaled[i] = direction[i] * weight;
    const size_t start = c * t;
    const ChunkInput chunk{sample.data() + start, std::min(t, sample.size() - start), start};
    const auto rope = passes_.rope.at(start, &pool_);
    if (!pass.run(*packed, chunk, *rope, scaled.data(), abort, out.data() + start * kByteValues)) {
      throw CoreError("ABORTED", "the gradient was interrupted");
    }
  }
  return out;
}

MixtureGradient Model::mixture_gradient(const std::vector<float>& mixture, const std::vector<float>& target,
                                        float loss_weight, Precision precision, const std::atomic<bool>* abort) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (mixture.size() != options_.shape.tokens * kByteValues) {
    throw CoreError("ARGUMENT", "the mixture has another length than a chunk");
  }
  if (target.size() != options_.shape.embedding) throw CoreError("ARGUMENT", "the target has another width");
  const auto packed = weights(precision, abort, nullptr);
  const auto rope = passes_.rope.at(0, &pool_);
  MixtureGradient out;
  out.gradient.resize(mixture.size());
  const MixtureGoal goal{mixture.data(), target.data(), loss_weight};
  if (!gradient_pass(precision).run_mixture(*packed, goal, *rope, abort, out.gradient.data(), &out.values)) {
    throw CoreError("ABORTED", "the gradient was interrupted");
  }
  return out;
}

GradientPass& Model::gradient_pass(Precision precision) {
  auto& pass = gradient_[static_cast<size_t>(precision)];
  if (pass == nullptr) pass = std::make_unique<GradientPass>(options_.shape, precision, kernels_, &pool_);
  return *pass;
}

}  // namespace quarry
