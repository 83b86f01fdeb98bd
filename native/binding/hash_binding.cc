// BLAKE2b-256, alone or with AES-256-CTR, for JavaScript: on the calling thread, at memory-hash speed.
#include <memory>
#include <string>

#include "binding/handle.h"
#include "binding/napi_value.h"
#include "binding/read_level.h"
#include "binding/register.h"
#include "hash/blake2b.h"
#include "hash/hashing_cipher.h"

namespace quarry::napi {

namespace {

constexpr char kExpectedBytes[] = "expected a Uint8Array";
constexpr Handle<Blake2b256> kHasher = {{0xb5c8e2074f19ad63ull, 0x07ae93d15c624fb8ull}, "hasher"};
constexpr Handle<HashingCipher> kCipher = {{0x8d41f2b7630c9ae5ull, 0x2f97c6041be8d35aull}, "cipher"};

// blake2bCreate(isa: string): hasher
napi_value create(napi_env env, napi_callback_info info) {
  const Args<1> args(env, info);
  Isa isa;
  if (!read_any_level(env, args[0], &isa)) return nullptr;
  return kHasher.make(env, blake2b_kernels_for(isa));
}

// blake2bUpdate(hasher, bytes)
napi_value update(napi_env env, napi_callback_info info) {
  const Args<2> args(env, info);
  std::shared_ptr<Blake2b256> hasher;
  View<uint8_t> bytes;
  if (!kHasher.read(env, args[0], &hasher) || !read(env, args[1], &bytes, kExpectedBytes)) return nullptr;
  hasher->update(bytes.data, bytes.length);
  return nullptr;
}

// blake2bDigest(hasher): Uint8Array
napi_value digest(napi_env env, napi_callback_info info) {
  const Args<1> args(env, info);
  std::shared_ptr<Blake2b256> hasher;
  if (!kHasher.read(env, args[0], &hasher)) return nullptr;
  uint8_t out[32];
  hasher->digest(out);
  return uint8_array(env, out, sizeof out);
}

// blake2b256(isa: string, bytes): Uint8Array
napi_value whole(napi_env env, napi_callback_info info) {
  const Args<2> args(env, info);
  Isa isa;
  View<uint8_t> bytes;
  if (!read_any_level(env, args[0], &isa) || !read(env, args[1], &bytes, kExpectedBytes)) return nullptr;
  Blake2b256 hasher(blake2b_kernels_for(isa));
  hasher.update(bytes.data, bytes.length);
  uint8_t out[32];
  hasher.digest(out);
  return uint8_array(env, out, sizeof out);
}

// hashingCipherCreate(isa: string, key: Uint8Array): object, or undefined where the level has no AES instructions
napi_value create_cipher(napi_env env, napi_callback_info info) {
  const Args<2> args(env, info);
  Isa isa;
  View<uint8_t> key;
  if (!read_any_level(env, args[0], &isa) || !read(env, args[1], &key, kExpectedBytes)) return nullptr;
  if (key.length != 32) return fail(env, "\"key\" expected 32 bytes"), nullptr;
  const HashingCipherKernels* kernels = hashing_cipher_kernels_for(isa);
  if (kernels == nullptr) return undefined(env);
  return kCipher.make(env, *kernels, key.data);
}

template <bool kDecrypting>
napi_value crypt(napi_env env, napi_callback_info info) {
  const Args<3> args(env, info);
  std::shared_ptr<HashingCipher> cipher;
  View<uint8_t> in;
  View<uint8_t> out;
  if (!kCipher.read(env, args[0], &cipher) || !read(env, args[1], &in, kExpectedBytes) ||
      !read(env, args[2], &out, kExpectedBytes)) {
    return nullptr;
  }
  const bool apart = out.data >= in.data + in.length || in.data >= out.data + in.length;
  if (out.length < in.length || (in.data != out.data && !apart)) {
    return fail(env, "the output is too short or overlaps the input"), nullptr;
  }
  if (kDecrypting) cipher->decrypt(in.data, out.data, in.length);
  else cipher->encrypt(in.data, out.data, in.length);
  return nullptr;
}

// hashingCipherDigest(cipher): Uint8Array; the cipher must not be used afterwards
napi_value cipher_digest(napi_env env, napi_callback_info info) {
  const Args<1> args(env, info);
  std::shared_ptr<HashingCipher> cipher;
  if (!kCipher.read(env, args[0], &cipher)) return nullptr;
  uint8_t out[32];
  cipher->digest(out);
  return uint8_array(env, out, sizeof out);
}

}  // namespace

void register_hash(napi_env env, napi_value exports) {
  add_function<create>(env, exports, "blake2bCreate");
  add_function<update>(env, exports, "blake2bUpdate");
  add_function<digest>(env, exports, "blake2bDigest");
  add_function<whole>(env, exports, "blake2b256");
  add_function<create_cipher>(env, exports, "hashingCipherCreate");
  add_function<crypt<true>>(env, exports, "hashingCipherDecrypt");
  add_function<crypt<false>>(env, exports, "hashingCipherEncrypt");
  add_function<cipher_digest>(env, exports, "hashingCipherDigest");
}

}  // namespace quarry::napi
