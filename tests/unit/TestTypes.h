// Element types by the names that they have in operators.
#pragma once
#include "base/types/ElementType.h"

namespace lpgen {

inline constexpr ElementType u2{Encoding::Unsigned, 2};
inline constexpr ElementType u4{Encoding::Unsigned, 4};
inline constexpr ElementType u8{Encoding::Unsigned, 8};
inline constexpr ElementType s4{Encoding::Signed, 4};
inline constexpr ElementType s8{Encoding::Signed, 8};
inline constexpr ElementType s16{Encoding::Signed, 16};
inline constexpr ElementType b1{Encoding::Bipolar, 1};
inline constexpr ElementType b2{Encoding::Bipolar, 2};
inline constexpr ElementType b8{Encoding::Bipolar, 8};
inline constexpr ElementType t2{Encoding::Ternary, 2};
inline constexpr ElementType u32{Encoding::Unsigned, 32};
inline constexpr ElementType i32{Encoding::Signed, 32};
inline constexpr ElementType i64{Encoding::Signed, 64};
inline constexpr ElementType f16{Encoding::Float, 16};
inline constexpr ElementType bf16{Encoding::Brain, 16};
inline constexpr ElementType f32{Encoding::Float, 32};

} // namespace lpgen
