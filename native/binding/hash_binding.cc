// BLAKE2b-256, alone or with AES-256-CTR, for JavaScript: on the calling thread, at memory-hash speed.
#include <new>
#include <string>

#include "binding/napi_value.h"
#include "binding/register.h"
#include "hash/blake2b.h"
#include "hash/checked_cipher.h"

namespace quarry::napi {

namespace {

// Any view or buffer of bytes.
bool read_bytes(napi_env env, napi_value value, const uint8_t** data, size_t* size) {
  napi_typedarray_type type;
  void* memory = nullptr;
  bool is_typed = false;
  napi_is_typedarray(env, value, &is_typed);
  if (!is_typed || napi_get_typedarray_info(env, value, &type, size, &memory, nullptr, nullptr) != napi_ok ||
      type != napi_uint8_array) {
    return fail(env, "expected a Uint8Array");
  }
  *data = static_cast<const uint8_t*>(memory);
  return true;
}

constexpr napi_type_tag kHasherTag = {0xb5c8e2074f19ad63ull, 0x07ae93d15c624fb8ull};

bool read_hasher(napi_env env, napi_value value, Blake2b256** out) {
  void* data = nullptr;
  if (!read_tagged(env, value, kHasherTag, &data, "expected a hasher")) return false;
  *out = static_cast<Blake2b256*>(data);
  return true;
}

// blake2bCreate(isa: string): hasher
napi_value create(napi_env env, napi_callback_info info) {
  const Args<1> args(env, info);
  std::string name;
  Isa isa;
  if (!read(env, args[0], &name, "\"isa\" expected a string")) return nullptr;
  if (!isa_from_name(name.c_str(), &isa)) return fail(env, "\"isa\" is not an instruction-set level"), nullptr;
  auto* hasher = new (std::nothrow) Blake2b256(blake2b_kernels_for(isa));
  if (hasher == nullptr) return napi_throw_error(env, nullptr, "out of memory"), nullptr;
  return tagged_object(env, kHasherTag, hasher, [](void* data) { delete static_cast<Blake2b256*>(data); });
}

// blake2bUpdate(hasher, bytes)
napi_value update(napi_env env, napi_callback_info info) {
  const Args<2> args(env, info);
  Blake2b256* hasher = nullptr;
  const uint8_t* data = nullptr;
  size_t size = 0;
  if (!read_hasher(env, args[0], &hasher) || !read_bytes(env, args[1], &data, &size)) return nullptr;
  hasher->update(data, size);
  return nullptr;
}

napi_value bytes_value(napi_env env, const uint8_t* data, size_t size) {
  void* memory = nullptr;
  napi_value buffer = nullptr;
  napi_value array = nullptr;
  if (napi_create_arraybuffer(env, size, &memory, &buffer) != napi_ok) return nullptr;
  for (size_t i = 0; i < size; ++i) static_cast<uint8_t*>(memory)[i] = data[i];
  napi_create_typedarray(env, napi_uint8_array, size, buffer, 0, &array);
  return array;
}

// blake2bDigest(hasher): Uint8Array
napi_value digest(napi_env env, napi_callback_info info) {
  const Args<1> args(env, info);
  Blake2b256* hasher = nullptr;
  if (!read_hasher(env, args[0], &hasher)) return nullptr;
  uint8_t out[32];
  hasher->digest(out);
  return bytes_value(env, out, sizeof out);
}

// blake2b256(isa: string, bytes): Uint8Array
napi_value whole(napi_env env, napi_callback_info info) {
  const Args<2> args(env, info);
  std::string name;
  Isa isa;
  const uint8_t* data = nullptr;
  size_t size = 0;
  if (!read(env, args[0], &name, "\"isa\" expected a string")) return nullptr;
  if (!isa_from_name(name.c_str(), &isa)) return fail(env, "\"isa\" is not an instruction-set level"), nullptr;
  if (!read_bytes(env, args[1], &data, &size)) return nullptr;
  Blake2b256 hasher(blake2b_kernels_for(isa));
  hasher.update(data, size);
  uint8_t out[32];
  hasher.digest(out);
  return bytes_value(env, out, sizeof out);
}

constexpr napi_type_tag kCipherTag = {0x8d41f2b7630c9ae5ull, 0x2f97c6041be8d35aull};

bool read_cipher(napi_env env, napi_value value, CheckedCipher** out) {
  bool tagged = false;
  void* data = nullptr;
  if (napi_check_object_type_tag(env, value, &kCipherTag, &tagged) != napi_ok || !tagged ||
      napi_unwrap(env, value, &data) != napi_ok) {
    return fail(env, "expected a cipher");
  }
  *out = static_cast<CheckedCipher*>(data);
  return true;
}

// checkedCipherCreate(isa: string, key: Uint8Array): object, or undefined where the level has no AES instructions
napi_value create_cipher(napi_env env, napi_callback_info info) {
  const Args<2> args(env, info);
  std::string name;
  Isa isa;
  const uint8_t* key = nullptr;
  size_t key_size = 0;
  if (!read(env, args[0], &name, "\"isa\" expected a string")) return nullptr;
  if (!isa_from_name(name.c_str(), &isa)) return fail(env, "\"isa\" is not an instruction-set level"), nullptr;
  if (!read_bytes(env, args[1], &key, &key_size)) return nullptr;
  if (key_size != 32) return fail(env, "\"key\" expected 32 bytes"), nullptr;
  const CheckedCipherKernels* kernels = checked_cipher_kernels_for(isa);
  if (kernels == nullptr) return undefined(env);
  auto* cipher = new (std::nothrow) CheckedCipher(*kernels, key);
  if (cipher == nullptr) return napi_throw_error(env, nullptr, "out of memory"), nullptr;
  napi_value object = nullptr;
  const auto free = [](napi_env, void* data, void*) { delete static_cast<CheckedCipher*>(data); };
  if (napi_create_object(env, &object) != napi_ok || napi_type_tag_object(env, object, &kCipherTag) != napi_ok ||
      napi_wrap(env, object, cipher, free, nullptr, nullptr) != napi_ok) {
    delete cipher;
    return nullptr;
  }
  return object;
}

template <bool kDecrypting>
napi_value crypt(napi_env env, napi_callback_info info) {
  const Args<3> args(env, info);
  CheckedCipher* cipher = nullptr;
  const uint8_t* in = nullptr;
  const uint8_t* out = nullptr;
  size_t size = 0;
  size_t out_size = 0;
  if (!read_cipher(env, args[0], &cipher) || !read_bytes(env, args[1], &in, &size) ||
      !read_bytes(env, args[2], &out, &out_size)) {
    return nullptr;
  }
  if (out_size < size || (in != out && in < out + size && out < in + size)) {
    return fail(env, "the output is too short or overlaps the input"), nullptr;
  }
  auto* to = const_cast<uint8_t*>(out);
  if (kDecrypting) cipher->decrypt(in, to, size);
  else cipher->encrypt(in, to, size);
  return nullptr;
}

// checkedCipherDigest(cipher): Uint8Array; the cipher must not be used afterwards
napi_value cipher_digest(napi_env env, napi_callback_info info) {
  const Args<1> args(env, info);
  CheckedCipher* cipher = nullptr;
  if (!read_cipher(env, args[0], &cipher)) return nullptr;
  uint8_t out[32];
  cipher->digest(out);
  return bytes_value(env, out, sizeof out);
}

}  // namespace

void register_hash(napi_env env, napi_value exports) {
  add_function(env, exports, "blake2bCreate", create);
  add_function(env, exports, "blake2bUpdate", update);
  add_function(env, exports, "blake2bDigest", digest);
  add_function(env, exports, "blake2b256", whole);
  add_function(env, exports, "checkedCipherCreate", create_cipher);
  add_function(env, exports, "checkedCipherDecrypt", crypt<true>);
  add_function(env, exports, "checkedCipherEncrypt", crypt<false>);
  add_function(env, exports, "checkedCipherDigest", cipher_digest);
}

}  // namespace quarry::napi
