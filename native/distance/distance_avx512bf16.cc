// AVX-512 with BF16: two products per lane and instruction for many targets.
#define QUARRY_DISTANCE_LEVEL avx512bf16_distance
#include "distance/distance_avx512.h"

namespace quarry {
namespace {

using avx512bf16_distance::kLanes;

inline __m512bh pair(const uint16_t* row) {
  uint32_t bits;
  __builtin_memcpy(&bits, row, sizeof bits);
  return (__m512bh)_mm512_set1_epi32(static_cast<int>(bits));
}

template <size_t P>
void tile_bf16(const uint16_t* const* rows, const char* panel, size_t stride, size_t depth, float* c, size_t ldc) {
  constexpr size_t R = kDistanceTile;
  __m512 acc[R][P];
  for (size_t r = 0; r < R; ++r) {
    for (size_t p = 0; p < P; ++p) acc[r][p] = _mm512_loadu_ps(c + r * ldc + p * kLanes);
  }
  const uint16_t* a[R];
  for (size_t r = 0; r < R; ++r) a[r] = rows[r];
  auto panel_at = [&](size_t p, size_t k) {
    return (__m512bh)_mm512_loadu_si512(panel + p * stride + k * kLanes * sizeof(uint16_t));
  };
  size_t k = 0;
  for (; k + 2 <= depth; k += 2) {
    __m512bh b[P];
    for (size_t p = 0; p < P; ++p) b[p] = panel_at(p, k);
    for (size_t r = 0; r < R; ++r) {
      const __m512bh x = pair(a[r] + k);
      for (size_t p = 0; p < P; ++p) acc[r][p] = _mm512_dpbf16_ps(acc[r][p], x, b[p]);
    }
  }
  if (k < depth) {
    for (size_t r = 0; r < R; ++r) {
      const __m512bh x = (__m512bh)_mm512_set1_epi32(a[r][k]);
      for (size_t p = 0; p < P; ++p) acc[r][p] = _mm512_dpbf16_ps(acc[r][p], x, panel_at(p, k));
    }
  }
  for (size_t r = 0; r < R; ++r) {
    for (size_t p = 0; p < P; ++p) _mm512_storeu_ps(c + r * ldc + p * kLanes, acc[r][p]);
  }
}

void many_bf16(const uint16_t* const* rows, const void* panel, size_t stride, size_t panels, size_t depth, float* c,
               size_t ldc) {
  const char* b = static_cast<const char*>(panel);
  if (panels == 3) tile_bf16<3>(rows, b, stride, depth, c, ldc);
  else if (panels == 2) tile_bf16<2>(rows, b, stride, depth, c, ldc);
  else tile_bf16<1>(rows, b, stride, depth, c, ldc);
}

inline __m512bh load_pairs(const uint16_t* p) { return (__m512bh)_mm512_loadu_si512(p); }

/// The row times both halves of the target and itself, 32 elements an instruction; nothing is widened.
void one_bf16(const uint16_t* const* rows, size_t n, const void* target, size_t dim, float* dots, float* squares) {
  const uint16_t* high = static_cast<const uint16_t*>(target);
  const uint16_t* low = high + (dim + 31) / 32 * 32;
  for (size_t i = 0; i < n; ++i) {
    const uint16_t* row = rows[i];
    // The hardware prefetcher stops at the page's end, so the row that follows is asked for while this one is read.
    const uint16_t* next = rows[i + 1 < n ? i + 1 : i];
    __m512 d[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()};
    __m512 e[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()};
    __m512 s[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()};
    size_t k = 0;
    for (; k + 128 <= dim; k += 128) {
      for (size_t j = 0; j < 4; ++j) _mm_prefetch(reinterpret_cast<const char*>(next + k + j * 32), _MM_HINT_T0);
      for (size_t j = 0; j < 4; ++j) {
        const __m512bh x = load_pairs(row + k + j * 32);
        d[j] = _mm512_dpbf16_ps(d[j], x, load_pairs(high + k + j * 32));
        e[j] = _mm512_dpbf16_ps(e[j], x, load_pairs(low + k + j * 32));
        s[j] = _mm512_dpbf16_ps(s[j], x, x);
      }
    }
    for (; k < dim; k += 32) {
      const size_t left = dim - k;
      const __mmask32 mask = left >= 32 ? ~__mmask32{0} : static_cast<__mmask32>((1u << left) - 1);
      const __m512bh x = (__m512bh)_mm512_maskz_loadu_epi16(mask, row + k);
      d[0] = _mm512_dpbf16_ps(d[0], x, load_pairs(high + k));
      e[0] = _mm512_dpbf16_ps(e[0], x, load_pairs(low + k));
      s[0] = _mm512_dpbf16_ps(s[0], x, x);
    }
    for (size_t j = 0; j < 4; ++j) d[j] = _mm512_add_ps(d[j], e[j]);
    dots[i] = _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(d[0], d[1]), _mm512_add_ps(d[2], d[3])));
    squares[i] = _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(s[0], s[1]), _mm512_add_ps(s[2], s[3])));
  }
}

}  // namespace

const DistanceKernels kAvx512Bf16Distance = {Isa::kAvx512Bf16,
                                             kLanes,
                                             true,
                                             true,
                                             avx512bf16_distance::one<float>,
                                             one_bf16,
                                             avx512bf16_distance::many_f32,
                                             many_bf16,
                                             avx512bf16_distance::expand,
                                             avx512bf16_distance::quotients<float>,
                                             avx512bf16_distance::quotients<uint16_t>,
                                             avx512bf16_distance::exact_dot};

}  // namespace quarry
