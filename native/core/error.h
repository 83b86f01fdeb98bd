#pragma once
// A failure with a code that src maps to one of its own; the binding turns it into a rejected promise.
#include <stdexcept>
#include <string>

namespace quarry {

class CoreError : public std::runtime_error {
 public:
  CoreError(const char* code, const std::string& message) : std::runtime_error(message), code_(code) {}
  /// IO, DISK_FULL, WEIGHTS, ARGUMENT or ABORTED.
  const char* code() const { return code_; }

 private:
  const char* code_;
};

}  // namespace quarry
