// RUN: lpgen-opt %s --split-input-file --verify-diagnostics

// int_c1
// expected-error @+1 {{bipolar cannot have 9 bits; expected 1 to 8}}
func.func private @width(tensor<1x!lp.int<bipolar, 9>>)

// -----

// int_c1
// expected-error @+1 {{ternary cannot have 3 bits; expected 2}}
func.func private @ternary(tensor<1x!lp.int<ternary, 3>>)

// -----

// schedule_c1
// expected-error @+1 {{tile, unroll and block must be positive}}
func.func private @schedule() attributes {s = #lp.schedule<"widen", cell = "maddw", tile = [0, 1], unroll = 1, block = 1>}

// -----

// schedule_c1
// expected-error @+1 {{tile goes up to [64,64], unroll to 1024, block to 1048576}}
func.func private @schedule() attributes {s = #lp.schedule<"widen", cell = "maddw", tile = [2, 4294967295], unroll = 1, block = 1>}

// -----

// schedule_c2
// expected-error @+1 {{template 'widen' needs a cell}}
func.func private @cell() attributes {s = #lp.schedule<"widen", cell = "", tile = [1, 1], unroll = 1, block = 1>}

// -----

// schedule_c3
// expected-error @+1 {{prefetch must be 0 to 1048576 bytes, found 1048577}}
func.func private @prefetch() attributes {s = #lp.schedule<"widen", cell = "maddw", tile = [1, 1], unroll = 1, block = 1, prefetch = 1048577>}

// -----

// target_c1
// expected-error @+1 {{there is no record of a CPU 'nosuch'; expected one of generic}}
func.func private @cpu() attributes {t = #lp.target<"generic", cpu = "nosuch">}

// -----

func.func @read_c1(%x: tensor<4x8xi32>, %i: index) -> i32 {
  // expected-error @+1 {{the map must map 1 indices to 2 dimensions}}
  %v = lp.read %x[%i] affine_map<(d0) -> (d0)> divisors [1] : tensor<4x8xi32> -> i32
  return %v : i32
}

// -----

func.func @read_c2(%x: tensor<4xi32>, %i: index) -> i32 {
  // expected-error @+1 {{needs one positive divisor per dimension}}
  %v = lp.read %x[%i] affine_map<(d0) -> (d0)> divisors [0] : tensor<4xi32> -> i32
  return %v : i32
}

// -----

func.func @read_c3(%x: tensor<4xi32>, %i: index, %p: i32) -> i32 {
  // expected-error @+1 {{has both a constant and a scalar padding}}
  %v = lp.read %x[%i] affine_map<(d0) -> (d0)> divisors [1] pad 0 : i32 pad_scalar(%p : i32) : tensor<4xi32> -> i32
  return %v : i32
}

// -----

func.func @read_c4(%x: memref<4xi8>, %i: index) -> i32 {
  // expected-error @+1 {{on a memref needs 'element', the encoding}}
  %v = lp.read %x[%i] affine_map<(d0) -> (d0)> divisors [1] : memref<4xi8> -> i32
  return %v : i32
}

// -----

func.func @quantize_c1(%v: i32) -> i32 {
  // expected-error @+1 {{result must be '!lp.int<unsigned, 2>' or 'i8'}}
  %q = lp.quantize %v to !lp.int<unsigned, 2> : i32 -> i32
  return %q : i32
}

// -----

func.func @quantize_c4(%v: f32) -> i32 {
  // expected-error @+1 {{converts an f32 to '!lp.int<unsigned, 32>', expected at most 16 bits}}
  %q = lp.quantize %v to !lp.int<unsigned, 32> : f32 -> i32
  return %q : i32
}

// -----

func.func @rescale_c1(%v: i32) -> i32 {
  // expected-error @+1 {{has shifts from 29 on, expected at least 30 and at most 61}}
  %q = lp.rescale %v, %v, %v at least 29 : i32
  return %q : i32
}

// -----

func.func @threshold_c2(%v: i32, %t: tensor<3xi32>) -> i32 {
  // expected-error @+1 {{levels must be positive}}
  %q = lp.threshold %v, %t[] affine_map<(d0) -> (d0)> levels 0 : i32, tensor<3xi32>
  return %q : i32
}

// -----

func.func @function_c1(%v: f32) -> f32 {
  // expected-error @+1 {{needs a function of f32, found 'sine'}}
  %r = lp.function "sine" %v
  return %r : f32
}

// -----

func.func @reduce_c2_of_products(%v: f32) -> f32 {
  // expected-error @+1 {{must yield two 'f32'}}
  %r = lp.reduce fma [3] : f32 {
  ^bb0(%k: index):
    lp.yield %v : f32
  }
  return %r : f32
}

// -----

func.func @reduce_c2_of_integers(%v: i32) -> i32 {
  // expected-error @+1 {{of products is of f32, found 'i32'}}
  %r = lp.reduce fma [3] : i32 {
  ^bb0(%k: index):
    lp.yield %v, %v : i32, i32
  }
  return %r : i32
}

// -----

func.func @reduce_c3(%v: f32) -> i32 {
  // expected-error @+1 {{must yield one scalar, over one extent, for an integer}}
  %r = lp.reduce argmin [3, 2] : i32 {
  ^bb0(%k: index, %l: index):
    lp.yield %v : f32
  }
  return %r : i32
}

// -----

func.func @reduce_c2(%v: i64) -> i32 {
  // expected-error @+1 {{must yield one 'i32'}}
  %r = lp.reduce sum [3] : i32 {
  ^bb0(%k: index):
    lp.yield %v : i64
  }
  return %r : i32
}

// -----

func.func @compute_c1(%v: i32) -> tensor<4xi32> {
  // expected-error @+1 {{needs one index argument per extent}}
  %r = lp.compute [4] -> tensor<4xi32> {
    lp.yield %v : i32
  }
  return %r : tensor<4xi32>
}

// -----

func.func @compute_c2(%v: i32) -> tensor<4x2xi32> {
  // expected-error @+1 {{writes 'tensor<4x2xi32>' from 1 loops}}
  %r = lp.compute [4] -> tensor<4x2xi32> {
  ^bb0(%i: index):
    lp.yield %v : i32
  }
  return %r : tensor<4x2xi32>
}

// -----

func.func @contract_c2(%x: tensor<5x7xi32>, %w: tensor<3x7xi32>) -> tensor<5x3xi32> {
  // expected-error @+1 {{w must be subscripted by distinct loops}}
  %y = lp.contract ins(%x, %w : tensor<5x7xi32>, tensor<3x7xi32>)
    loops [5, 3, 7] parallel 2 attributes {
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n + 1, k)>,
      xDivisors = array<i64: 1, 1>, xElement = i32, wElement = i32,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 7>, wShape = array<i64: 3, 7>} -> tensor<5x3xi32> {
  ^bb0(%m: index, %n: index, %acc: i32):
    lp.yield %acc : i32
  }
  return %y : tensor<5x3xi32>
}

// -----

// A multiple of a loop of the sum is a subscript of w, inside of it.
func.func @contract_c10(%x: tensor<5x7xi32>, %w: tensor<3x14xi32>) -> tensor<5x3xi32> {
  // expected-error @+1 {{reads w outside: the subscript of dimension 1 goes from 2 to 14, but its size is 14}}
  %y = lp.contract ins(%x, %w : tensor<5x7xi32>, tensor<3x14xi32>)
    loops [5, 3, 7] parallel 2 attributes {
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, 2 * k + 2)>,
      xDivisors = array<i64: 1, 1>, xElement = i32, wElement = i32,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 7>, wShape = array<i64: 3, 14>} -> tensor<5x3xi32> {
  ^bb0(%m: index, %n: index, %acc: i32):
    lp.yield %acc : i32
  }
  return %y : tensor<5x3xi32>
}

// -----

func.func @interleave_c1(%a: tensor<2x3xi32>, %b: tensor<2x2xi32>) -> tensor<2x5xi32> {
  // expected-error @+1 {{needs a period for each dimension, 1 in those of run-time size, and a part for each residue}}
  %y = lp.interleave %a, %b periods [1, 3] : tensor<2x3xi32>, tensor<2x2xi32> -> tensor<2x5xi32>
  return %y : tensor<2x5xi32>
}

// -----

func.func @interleave_c1(%a: tensor<?xi32>, %b: tensor<?xi32>) -> tensor<?xi32> {
  // expected-error @+1 {{needs a period for each dimension, 1 in those of run-time size, and a part for each residue}}
  %y = lp.interleave %a, %b periods [2] : tensor<?xi32>, tensor<?xi32> -> tensor<?xi32>
  return %y : tensor<?xi32>
}

// -----

func.func @interleave_c2(%a: tensor<2x3xi32>, %b: tensor<2x3xi32>) -> tensor<2x5xi32> {
  // expected-error @+1 {{needs part 1 of type 'tensor<2x2xi32>', found 'tensor<2x3xi32>'}}
  %y = lp.interleave %a, %b periods [1, 2] : tensor<2x3xi32>, tensor<2x3xi32> -> tensor<2x5xi32>
  return %y : tensor<2x5xi32>
}

// -----

func.func @contract_c3(%x: tensor<5x7xi32>, %w: tensor<3x7xi32>, %v: i32) -> tensor<5x3xi32> {
  // expected-error @+1 {{body takes one index per parallel loop and an i32, i64 or f32 accumulator}}
  %y = lp.contract ins(%x, %w : tensor<5x7xi32>, tensor<3x7xi32>)
    loops [5, 3, 7] parallel 2 attributes {
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xDivisors = array<i64: 1, 1>, xElement = i32, wElement = i32,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 7>, wShape = array<i64: 3, 7>} -> tensor<5x3xi32> {
  ^bb0(%m: index, %n: index):
    lp.yield %v : i32
  }
  return %y : tensor<5x3xi32>
}

// -----

// tuned_c1
// expected-error @+1 {{extents must be positive}}
lp.tuned "x86_avx2" "u2" x "s2" rows 0 columns 128 reduction 1152 -> <"direct", cell = "", tile = [1, 1], unroll = 1, block = 1>

// -----

// tuned_c2
// expected-error @+1 {{source is 'measured' or 'mca'}}
lp.tuned "x86_avx2" "u2" x "s2" rows 1 columns 128 reduction 1152 -> <"direct", cell = "", tile = [1, 1], unroll = 1, block = 1> {source = "guess"}

// -----

func.func @pack_c2(%to: memref<128xi8>) {
  // expected-error @+1 {{needs one of a source, a producer and a yielded value}}
  lp.pack into %to : memref<128xi8>
    <activations, elements, group = 4, bytes = 4, bits = 8, planes = 1, lanes = 1, offset = 0, halve = false, signed = false, sums = false>
    loops [5, 3, 8] parallel 2 attributes {element = !lp.int<unsigned, 2>,
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xShape = array<i64: 5, 8>, wShape = array<i64: 3, 8>}
  return
}

// -----

func.func @pack_c2_yielded(%to: memref<128xi8>) {
  // expected-error @+1 {{of a contraction's chains takes a yielded value}}
  lp.pack yielded 0 into %to : memref<128xi8>
    <activations, elements, group = 4, bytes = 4, bits = 8, planes = 1, lanes = 1, offset = 0, halve = false, signed = false, sums = false>
    loops [5, 3, 8] parallel 2 attributes {element = !lp.int<unsigned, 2>,
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xShape = array<i64: 5, 8>, wShape = array<i64: 3, 8>}
  return
}

// -----

func.func @pack_c3(%x: memref<5x8xi8>, %to: memref<128xi8>) {
  // expected-error @+1 {{has a logical operand without a producer}}
  lp.pack %x : memref<5x8xi8> into %to : memref<128xi8>
    <activations, elements, group = 4, bytes = 4, bits = 8, planes = 1, lanes = 1, offset = 0, halve = false, signed = false, sums = false>
    logical(%x : memref<5x8xi8>)
    loops [5, 3, 8] parallel 2 attributes {element = !lp.int<unsigned, 2>,
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xShape = array<i64: 5, 8>, wShape = array<i64: 3, 8>}
  return
}

// -----

// layout_c1
// expected-error @+1 {{expected a group of 1 to 256 elements}}
func.func private @layout() attributes {l = #lp.layout<weights, elements, group = 0, bytes = 4, bits = 8, planes = 1, lanes = 16, offset = 0, halve = false, signed = false, sums = false>}

// -----

// layout_c2
// expected-error @+1 {{activations have one lane, found 2}}
func.func private @lanes() attributes {l = #lp.layout<activations, elements, group = 4, bytes = 4, bits = 8, planes = 1, lanes = 2, offset = 0, halve = false, signed = false, sums = false>}

// -----

// layout_c3
// expected-error @+1 {{layout 'elements' is not possible: whole elements fill the bytes of one plane}}
func.func private @planes() attributes {l = #lp.layout<weights, elements, group = 4, bytes = 4, bits = 8, planes = 2, lanes = 8, offset = 0, halve = false, signed = false, sums = false>}

// -----

// layout_c3
// expected-error @+1 {{layout 'fields' is not possible: fields are weights of 1, 2 or 4 bits without a sign}}
func.func private @fields() attributes {l = #lp.layout<weights, fields, group = 8, bytes = 4, bits = 4, planes = 1, lanes = 8, offset = 0, halve = false, signed = true, sums = false>}

// -----

// layout_c3
// expected-error @+1 {{layout 'digits' is not possible: the digits of a group fit its bytes}}
func.func private @digits() attributes {l = #lp.layout<weights, digits, group = 8, bytes = 1, bits = 2, planes = 2, lanes = 8, offset = 0, halve = false, signed = false, sums = false>}

// -----

// layout_c3
// expected-error @+1 {{layout 'tables' is not possible: tables of 16 bytes are of 4 digits of at most 4 bits}}
func.func private @tables() attributes {l = #lp.layout<activations, tables, group = 4, bytes = 4, bits = 4, planes = 1, lanes = 1, offset = 0, halve = false, signed = false, sums = false>}

// -----

func.func @pack_c4(%x: memref<5x8xi8>, %to: memref<128xi8>) {
  // expected-error @+1 {{needs linear subscripts of x and distinct loops as those of w}}
  lp.pack %x : memref<5x8xi8> into %to : memref<128xi8>
    <activations, elements, group = 4, bytes = 4, bits = 8, planes = 1, lanes = 1, offset = 0, halve = false, signed = false, sums = false>
    loops [5, 3, 8] parallel 2 attributes {element = !lp.int<unsigned, 2>,
      xMap = affine_map<(m, n, k) -> (m floordiv 2, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xShape = array<i64: 5, 8>, wShape = array<i64: 3, 8>}
  return
}

// -----

func.func @pack_c4_far(%x: memref<5x8xi8>, %to: memref<128xi8>) {
  // expected-error @+1 {{needs linear subscripts of x and distinct loops as those of w}}
  lp.pack %x : memref<5x8xi8> into %to : memref<128xi8>
    <activations, elements, group = 4, bytes = 4, bits = 8, planes = 1, lanes = 1, offset = 0, halve = false, signed = false, sums = false>
    loops [5, 3, 8] parallel 2 attributes {element = !lp.int<unsigned, 2>,
      xMap = affine_map<(m, n, k) -> (m * 4611686018427387904, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xShape = array<i64: 5, 8>, wShape = array<i64: 3, 8>}
  return
}

// -----

func.func @pack_c4_extents(%x: memref<5x8xi8>, %to: memref<128xi8>) {
  // expected-error @+1 {{needs extents of 1 to 2^40, of at most 2^62 iterations}}
  lp.pack %x : memref<5x8xi8> into %to : memref<128xi8>
    <activations, elements, group = 4, bytes = 4, bits = 8, planes = 1, lanes = 1, offset = 0, halve = false, signed = false, sums = false>
    loops [5, 0, 8] parallel 2 attributes {element = !lp.int<unsigned, 2>,
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xShape = array<i64: 5, 8>, wShape = array<i64: 3, 8>}
  return
}

// -----

func.func @pack_c5(%x: memref<5x8xi16>, %to: memref<128xi8>) {
  // expected-error @+1 {{needs the shape and the storage of the operand, found 'memref<5x8xi16>'}}
  lp.pack %x : memref<5x8xi16> into %to : memref<128xi8>
    <activations, elements, group = 4, bytes = 4, bits = 8, planes = 1, lanes = 1, offset = 0, halve = false, signed = false, sums = false>
    loops [5, 3, 8] parallel 2 attributes {element = !lp.int<unsigned, 2>,
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xShape = array<i64: 5, 8>, wShape = array<i64: 3, 8>}
  return
}

// -----

func.func @pack_c6(%x: memref<5x8xi8>, %z: memref<i8>, %to: memref<128xi8>) {
  // expected-error @+1 {{needs storesPadding for a halo, and an integer element for a scalar of it}}
  lp.pack %x : memref<5x8xi8> into %to : memref<128xi8>
    <activations, elements, group = 4, bytes = 4, bits = 8, planes = 1, lanes = 1, offset = 0, halve = false, signed = false, sums = false>
    halo(%z : memref<i8>)
    loops [5, 3, 8] parallel 2 attributes {element = !lp.int<unsigned, 2>,
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xShape = array<i64: 5, 8>, wShape = array<i64: 3, 8>, haloElement = !lp.int<unsigned, 2>}
  return
}

// -----

func.func @pack_c6_element(%x: memref<5x8xi8>, %z: memref<i16>, %to: memref<128xi8>) {
  // expected-error @+1 {{needs storesPadding for a halo, and an integer element for a scalar of it}}
  lp.pack %x : memref<5x8xi8> into %to : memref<128xi8>
    <activations, elements, group = 4, bytes = 4, bits = 8, planes = 1, lanes = 1, offset = 0, halve = false, signed = false, sums = false>
    halo(%z : memref<i16>)
    loops [5, 3, 8] parallel 2 attributes {element = !lp.int<unsigned, 2>, storesPadding,
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xShape = array<i64: 5, 8>, wShape = array<i64: 3, 8>, haloElement = !lp.int<unsigned, 2>}
  return
}

// -----

func.func @pack_c5_float(%x: memref<5x8xf32>, %to: memref<256xi8>) {
  // expected-error @+1 {{packs integers, or floats as elements of 32 bits}}
  lp.pack %x : memref<5x8xf32> into %to : memref<256xi8>
    <activations, elements, group = 4, bytes = 4, bits = 8, planes = 1, lanes = 1, offset = 0, halve = false, signed = false, sums = false>
    loops [5, 3, 8] parallel 2 attributes {element = f32,
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xShape = array<i64: 5, 8>, wShape = array<i64: 3, 8>}
  return
}

// -----

func.func @tile_c4(%x: memref<64xi8>, %w: memref<256xi8>, %acc: memref<1x16xi32>, %i: index) {
  // expected-error @+1 {{coefficients of planes must be powers of the second one}}
  lp.tile "ctpop" %x[%i], %w[%i] into %acc attributes {chunk = 31 : i64,
    counts = array<i64: 12>, strides = array<i64: 1>, wSteps = array<i64: 1>, unroll = 2 : i64, vectors = 1 : i64,
    xPlanes = array<i64: 1, 3>, wPlanes = array<i64: 1>, xPlaneStride = 64 : i64,
    wPlaneStride = 96 : i64} : memref<64xi8>, memref<256xi8>, memref<1x16xi32>
  return
}

// -----

func.func @tile_c6(%x: memref<64xi8>, %w: memref<256xi8>, %acc: memref<1x16xi32>, %i: index) {
  // expected-error @+1 {{with x in lanes has one vector and no planes}}
  lp.tile "maddw" %x[%i], %w[%i] into %acc attributes {chunk = 31 : i64, xInLanes,
    counts = array<i64: 2>, strides = array<i64: 32>, wSteps = array<i64: 1>, unroll = 1 : i64, vectors = 2 : i64,
    xPlanes = array<i64>, wPlanes = array<i64>, xPlaneStride = 0 : i64,
    wPlaneStride = 0 : i64} : memref<64xi8>, memref<256xi8>, memref<1x16xi32>
  return
}

// -----

func.func @tile_c5(%x: memref<64xi16>, %w: memref<256xi8>, %acc: memref<1x16xi32>, %i: index) {
  // expected-error @+1 {{x and w must be one-dimensional i8 buffers}}
  lp.tile "ctpop" %x[%i], %w[%i] into %acc attributes {chunk = 31 : i64,
    counts = array<i64: 12>, strides = array<i64: 1>, wSteps = array<i64: 1>, unroll = 2 : i64, vectors = 1 : i64,
    xPlanes = array<i64: 1>, wPlanes = array<i64: 1>, xPlaneStride = 64 : i64,
    wPlaneStride = 96 : i64} : memref<64xi16>, memref<256xi8>, memref<1x16xi32>
  return
}

// -----

func.func @contract_c15(%x: tensor<5x2x7xi32>, %w: tensor<3x2x7xi32>) -> tensor<5x3xf32> {
  // expected-error @+1 {{has more parallel and group loops than loops}}
  %y = lp.contract ins(%x, %w : tensor<5x2x7xi32>, tensor<3x2x7xi32>)
    loops [5, 3, 2, 7] parallel 2 groups 3 attributes {
      xMap = affine_map<(m, n, g, k) -> (m, g, k)>, wMap = affine_map<(m, n, g, k) -> (n, g, k)>,
      xDivisors = array<i64: 1, 1, 1>, xElement = i32, wElement = i32,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 2, 7>, wShape = array<i64: 3, 2, 7>} -> tensor<5x3xf32> {
  ^bb0(%m: index, %n: index, %acc: f32):
    lp.yield %acc : f32
  } factors {
  ^bb0(%m: index, %n: index, %g: index, %s: i32):
    %f = arith.constant 1.0 : f32
    lp.yield %f, %f : f32, f32
  }
  return %y : tensor<5x3xf32>
}

// -----

func.func @contract_c15(%x: tensor<5x2x7xi32>, %w: tensor<3x2x7xi32>) -> tensor<5x3xf32> {
  // expected-error @+1 {{has factors if there are groups, and only then}}
  %y = lp.contract ins(%x, %w : tensor<5x2x7xi32>, tensor<3x2x7xi32>)
    loops [5, 3, 2, 7] parallel 2 groups 1 attributes {
      xMap = affine_map<(m, n, g, k) -> (m, g, k)>, wMap = affine_map<(m, n, g, k) -> (n, g, k)>,
      xDivisors = array<i64: 1, 1, 1>, xElement = i32, wElement = i32,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 2, 7>, wShape = array<i64: 3, 2, 7>} -> tensor<5x3xf32> {
  ^bb0(%m: index, %n: index, %acc: f32):
    lp.yield %acc : f32
  }
  return %y : tensor<5x3xf32>
}

// -----

func.func @contract_c15(%x: tensor<5x2x7xi32>, %w: tensor<3x2x7xi32>) -> tensor<5x3xf32> {
  // expected-error @+1 {{has factors if there are groups, and only then}}
  %y = lp.contract ins(%x, %w : tensor<5x2x7xi32>, tensor<3x2x7xi32>)
    loops [5, 3, 2, 7] parallel 2 attributes {
      xMap = affine_map<(m, n, g, k) -> (m, g, k)>, wMap = affine_map<(m, n, g, k) -> (n, g, k)>,
      xDivisors = array<i64: 1, 1, 1>, xElement = i32, wElement = i32,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 2, 7>, wShape = array<i64: 3, 2, 7>} -> tensor<5x3xf32> {
  ^bb0(%m: index, %n: index, %acc: f32):
    lp.yield %acc : f32
  } factors {
  ^bb0(%m: index, %n: index, %g: index, %s: i32):
    %f = arith.constant 1.0 : f32
    lp.yield %f, %f : f32, f32
  }
  return %y : tensor<5x3xf32>
}

// -----

func.func @contract_c15(%x: tensor<5x2x7xi32>, %w: tensor<3x2x7xi32>) -> tensor<5x3xf32> {
  // expected-error @+1 {{factors take one index per parallel and group loop}}
  %y = lp.contract ins(%x, %w : tensor<5x2x7xi32>, tensor<3x2x7xi32>)
    loops [5, 3, 2, 7] parallel 2 groups 1 attributes {
      xMap = affine_map<(m, n, g, k) -> (m, g, k)>, wMap = affine_map<(m, n, g, k) -> (n, g, k)>,
      xDivisors = array<i64: 1, 1, 1>, xElement = i32, wElement = i32,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 2, 7>, wShape = array<i64: 3, 2, 7>} -> tensor<5x3xf32> {
  ^bb0(%m: index, %n: index, %acc: f32):
    lp.yield %acc : f32
  } factors {
  ^bb0(%m: index, %n: index, %s: i32):
    %f = arith.constant 1.0 : f32
    lp.yield %f, %f : f32, f32
  }
  return %y : tensor<5x3xf32>
}

// -----

func.func @contract_c15(%x: tensor<5x2x7xi32>, %w: tensor<3x2x7xi32>) -> tensor<5x3xf32> {
  // expected-error @+1 {{factors take one index per parallel and group loop}}
  %y = lp.contract ins(%x, %w : tensor<5x2x7xi32>, tensor<3x2x7xi32>)
    loops [5, 3, 2, 7] parallel 2 groups 1 attributes {
      xMap = affine_map<(m, n, g, k) -> (m, g, k)>, wMap = affine_map<(m, n, g, k) -> (n, g, k)>,
      xDivisors = array<i64: 1, 1, 1>, xElement = i32, wElement = i32,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 2, 7>, wShape = array<i64: 3, 2, 7>} -> tensor<5x3xf32> {
  ^bb0(%m: index, %n: index, %acc: f32):
    lp.yield %acc : f32
  } factors {
  ^bb0(%m: index, %n: index, %g: index, %s: i32):
    %f = arith.constant 1.0 : f32
    lp.yield %f : f32
  }
  return %y : tensor<5x3xf32>
}

// -----

func.func @contract_c15(%x: tensor<5x2x7xi32>, %w: tensor<3x2x7xi32>) -> tensor<5x3xi32> {
  // expected-error @+1 {{factors take one index per parallel and group loop}}
  %y = lp.contract ins(%x, %w : tensor<5x2x7xi32>, tensor<3x2x7xi32>)
    loops [5, 3, 2, 7] parallel 2 groups 1 attributes {
      xMap = affine_map<(m, n, g, k) -> (m, g, k)>, wMap = affine_map<(m, n, g, k) -> (n, g, k)>,
      xDivisors = array<i64: 1, 1, 1>, xElement = i32, wElement = i32,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 2, 7>, wShape = array<i64: 3, 2, 7>} -> tensor<5x3xi32> {
  ^bb0(%m: index, %n: index, %acc: i32):
    lp.yield %acc : i32
  } factors {
  ^bb0(%m: index, %n: index, %g: index, %s: i32):
    %f = arith.constant 1.0 : f32
    lp.yield %f, %f : f32, f32
  }
  return %y : tensor<5x3xi32>
}

// -----

func.func @contract_c15(%x: tensor<5x2x7xi32>, %w: tensor<3x2x7xi32>) -> tensor<5x3xf32> {
  // expected-error @+1 {{has a group loop that does not subscript both operands}}
  %y = lp.contract ins(%x, %w : tensor<5x2x7xi32>, tensor<3x2x7xi32>)
    loops [5, 3, 2, 7] parallel 2 groups 1 attributes {
      xMap = affine_map<(m, n, g, k) -> (m, g, k)>, wMap = affine_map<(m, n, g, k) -> (n, 0, k)>,
      xDivisors = array<i64: 1, 1, 1>, xElement = i32, wElement = i32,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 2, 7>, wShape = array<i64: 3, 2, 7>} -> tensor<5x3xf32> {
  ^bb0(%m: index, %n: index, %acc: f32):
    lp.yield %acc : f32
  } factors {
  ^bb0(%m: index, %n: index, %g: index, %s: i32):
    %f = arith.constant 1.0 : f32
    lp.yield %f, %f : f32, f32
  }
  return %y : tensor<5x3xf32>
}

// -----

func.func @contract_c15(%x: tensor<5x2x7xi32>, %w: tensor<3x2x7xi32>) -> tensor<5x3xf32> {
  // expected-error @+1 {{w must be subscripted by distinct loops}}
  %y = lp.contract ins(%x, %w : tensor<5x2x7xi32>, tensor<3x2x7xi32>)
    loops [5, 3, 2, 7] parallel 2 groups 1 attributes {
      xMap = affine_map<(m, n, g, k) -> (m, g, k)>, wMap = affine_map<(m, n, g, k) -> (n, g + n, k)>,
      xDivisors = array<i64: 1, 1, 1>, xElement = i32, wElement = i32,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 2, 7>, wShape = array<i64: 3, 2, 7>} -> tensor<5x3xf32> {
  ^bb0(%m: index, %n: index, %acc: f32):
    lp.yield %acc : f32
  } factors {
  ^bb0(%m: index, %n: index, %g: index, %s: i32):
    %f = arith.constant 1.0 : f32
    lp.yield %f, %f : f32, f32
  }
  return %y : tensor<5x3xf32>
}

// -----

func.func @contract_c16(%x: tensor<5x2x7xi32>, %w: tensor<3x2x7xi32>, %c: tensor<2x3xf32>) -> tensor<5x3xf32> {
  // expected-error @+1 {{takes columns, with a map each, of groups only}}
  %y = lp.contract ins(%x, %w : tensor<5x2x7xi32>, tensor<3x2x7xi32>) columns(%c : tensor<2x3xf32>)
    loops [5, 3, 2, 7] parallel 2 groups 1 attributes {
      xMap = affine_map<(m, n, g, k) -> (m, g, k)>, wMap = affine_map<(m, n, g, k) -> (n, g, k)>,
      xDivisors = array<i64: 1, 1, 1>, xElement = i32, wElement = i32,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 2, 7>, wShape = array<i64: 3, 2, 7>} -> tensor<5x3xf32> {
  ^bb0(%m: index, %n: index, %acc: f32):
    lp.yield %acc : f32
  } factors {
  ^bb0(%m: index, %n: index, %g: index, %a: f32, %s: i32):
    %f = arith.constant 1.0 : f32
    lp.yield %f, %f : f32, f32
  }
  return %y : tensor<5x3xf32>
}

// -----

func.func @contract_c16(%x: tensor<5x2x7xi32>, %w: tensor<3x2x7xi32>, %c: tensor<2x3xf32>) -> tensor<5x3xf32> {
  // expected-error @+1 {{takes columns, with a map each, of groups only}}
  %y = lp.contract ins(%x, %w : tensor<5x2x7xi32>, tensor<3x2x7xi32>)
    loops [5, 3, 2, 7] parallel 2 groups 1 attributes {columnMaps = [affine_map<(m, n, g, k) -> (g, n)>],
      xMap = affine_map<(m, n, g, k) -> (m, g, k)>, wMap = affine_map<(m, n, g, k) -> (n, g, k)>,
      xDivisors = array<i64: 1, 1, 1>, xElement = i32, wElement = i32,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 2, 7>, wShape = array<i64: 3, 2, 7>} -> tensor<5x3xf32> {
  ^bb0(%m: index, %n: index, %acc: f32):
    lp.yield %acc : f32
  } factors {
  ^bb0(%m: index, %n: index, %g: index, %s: i32):
    %f = arith.constant 1.0 : f32
    lp.yield %f, %f : f32, f32
  }
  return %y : tensor<5x3xf32>
}

// -----

func.func @contract_c16(%x: tensor<5x2x7xi32>, %w: tensor<3x2x7xi32>, %c: tensor<2x3xf32>) -> tensor<5x3xf32> {
  // expected-error @+1 {{columns are subscripted by the parallel and group loops of w, each once}}
  %y = lp.contract ins(%x, %w : tensor<5x2x7xi32>, tensor<3x2x7xi32>) columns(%c : tensor<2x3xf32>)
    loops [5, 3, 2, 7] parallel 2 groups 1 attributes {columnMaps = [affine_map<(m, n, g, k) -> (g, m)>],
      xMap = affine_map<(m, n, g, k) -> (m, g, k)>, wMap = affine_map<(m, n, g, k) -> (n, g, k)>,
      xDivisors = array<i64: 1, 1, 1>, xElement = i32, wElement = i32,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 2, 7>, wShape = array<i64: 3, 2, 7>} -> tensor<5x3xf32> {
  ^bb0(%m: index, %n: index, %acc: f32):
    lp.yield %acc : f32
  } factors {
  ^bb0(%m: index, %n: index, %g: index, %a: f32, %s: i32):
    %f = arith.constant 1.0 : f32
    lp.yield %f, %f : f32, f32
  }
  return %y : tensor<5x3xf32>
}

// -----

func.func @contract_c16(%x: tensor<5x2x7xi32>, %w: tensor<3x2x7xi32>, %c: tensor<2x3xf32>) -> tensor<5x3xf32> {
  // expected-error @+1 {{columns are subscripted by the parallel and group loops of w, each once}}
  %y = lp.contract ins(%x, %w : tensor<5x2x7xi32>, tensor<3x2x7xi32>) columns(%c : tensor<2x3xf32>)
    loops [5, 3, 2, 7] parallel 2 groups 1 attributes {columnMaps = [affine_map<(m, n, g, k) -> (0, n)>],
      xMap = affine_map<(m, n, g, k) -> (m, g, k)>, wMap = affine_map<(m, n, g, k) -> (n, g, k)>,
      xDivisors = array<i64: 1, 1, 1>, xElement = i32, wElement = i32,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 2, 7>, wShape = array<i64: 3, 2, 7>} -> tensor<5x3xf32> {
  ^bb0(%m: index, %n: index, %acc: f32):
    lp.yield %acc : f32
  } factors {
  ^bb0(%m: index, %n: index, %g: index, %a: f32, %s: i32):
    %f = arith.constant 1.0 : f32
    lp.yield %f, %f : f32, f32
  }
  return %y : tensor<5x3xf32>
}

// -----

func.func @contract_c16(%x: tensor<5x2x7xi32>, %w: tensor<3x2x7xi32>, %c: tensor<2x2xf32>) -> tensor<5x3xf32> {
  // expected-error @+1 {{reads columns outside}}
  %y = lp.contract ins(%x, %w : tensor<5x2x7xi32>, tensor<3x2x7xi32>) columns(%c : tensor<2x2xf32>)
    loops [5, 3, 2, 7] parallel 2 groups 1 attributes {columnMaps = [affine_map<(m, n, g, k) -> (g, n)>],
      xMap = affine_map<(m, n, g, k) -> (m, g, k)>, wMap = affine_map<(m, n, g, k) -> (n, g, k)>,
      xDivisors = array<i64: 1, 1, 1>, xElement = i32, wElement = i32,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 2, 7>, wShape = array<i64: 3, 2, 7>} -> tensor<5x3xf32> {
  ^bb0(%m: index, %n: index, %acc: f32):
    lp.yield %acc : f32
  } factors {
  ^bb0(%m: index, %n: index, %g: index, %a: f32, %s: i32):
    %f = arith.constant 1.0 : f32
    lp.yield %f, %f : f32, f32
  }
  return %y : tensor<5x3xf32>
}

// -----

func.func @contract_c16(%x: tensor<5x2x7xi32>, %w: tensor<3x2x7xi32>, %c: tensor<2x3xf32>) -> tensor<5x3xf32> {
  // expected-error @+1 {{factors get columns as i32 or f32}}
  %y = lp.contract ins(%x, %w : tensor<5x2x7xi32>, tensor<3x2x7xi32>) columns(%c : tensor<2x3xf32>)
    loops [5, 3, 2, 7] parallel 2 groups 1 attributes {columnMaps = [affine_map<(m, n, g, k) -> (g, n)>],
      xMap = affine_map<(m, n, g, k) -> (m, g, k)>, wMap = affine_map<(m, n, g, k) -> (n, g, k)>,
      xDivisors = array<i64: 1, 1, 1>, xElement = i32, wElement = i32,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 2, 7>, wShape = array<i64: 3, 2, 7>} -> tensor<5x3xf32> {
  ^bb0(%m: index, %n: index, %acc: f32):
    lp.yield %acc : f32
  } factors {
  ^bb0(%m: index, %n: index, %g: index, %a: i32, %s: i32):
    %f = arith.constant 1.0 : f32
    lp.yield %f, %f : f32, f32
  }
  return %y : tensor<5x3xf32>
}

// -----

func.func @contract_c16(%x: tensor<5x2x7xi32>, %w: tensor<3x2x7xi32>, %c: tensor<2x3xf64>) -> tensor<5x3xf32> {
  // expected-error @+1 {{takes columns of elements, packed if w is, found 'tensor<2x3xf64>'}}
  %y = lp.contract ins(%x, %w : tensor<5x2x7xi32>, tensor<3x2x7xi32>) columns(%c : tensor<2x3xf64>)
    loops [5, 3, 2, 7] parallel 2 groups 1 attributes {columnMaps = [affine_map<(m, n, g, k) -> (g, n)>],
      xMap = affine_map<(m, n, g, k) -> (m, g, k)>, wMap = affine_map<(m, n, g, k) -> (n, g, k)>,
      xDivisors = array<i64: 1, 1, 1>, xElement = i32, wElement = i32,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 2, 7>, wShape = array<i64: 3, 2, 7>} -> tensor<5x3xf32> {
  ^bb0(%m: index, %n: index, %acc: f32):
    lp.yield %acc : f32
  } factors {
  ^bb0(%m: index, %n: index, %g: index, %a: f32, %s: i32):
    %f = arith.constant 1.0 : f32
    lp.yield %f, %f : f32, f32
  }
  return %y : tensor<5x3xf32>
}

// -----

func.func @contract_c16(%x: tensor<5x2x7xi32>, %w: tensor<3x2x7xi32>, %c: tensor<2x3xf32>) -> tensor<5x3xf32> {
  // expected-error @+1 {{takes a column of integers as the only zero point of w}}
  %y = lp.contract ins(%x, %w : tensor<5x2x7xi32>, tensor<3x2x7xi32>) columns(%c : tensor<2x3xf32>)
    loops [5, 3, 2, 7] parallel 2 groups 1 attributes {wZeroColumn = 0 : i64, columnMaps = [affine_map<(m, n, g, k) -> (g, n)>],
      xMap = affine_map<(m, n, g, k) -> (m, g, k)>, wMap = affine_map<(m, n, g, k) -> (n, g, k)>,
      xDivisors = array<i64: 1, 1, 1>, xElement = i32, wElement = i32,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 2, 7>, wShape = array<i64: 3, 2, 7>} -> tensor<5x3xf32> {
  ^bb0(%m: index, %n: index, %acc: f32):
    lp.yield %acc : f32
  } factors {
  ^bb0(%m: index, %n: index, %g: index, %a: f32, %s: i32):
    %f = arith.constant 1.0 : f32
    lp.yield %f, %f : f32, f32
  }
  return %y : tensor<5x3xf32>
}

// -----

func.func @contract_c16(%x: tensor<5x7xi32>, %w: tensor<3x7xi32>, %c: tensor<3xf32>) -> tensor<5x3xi32> {
  // expected-error @+1 {{takes columns, with a map each, of groups only}}
  %y = lp.contract ins(%x, %w : tensor<5x7xi32>, tensor<3x7xi32>) columns(%c : tensor<3xf32>)
    loops [5, 3, 7] parallel 2 attributes {columnMaps = [affine_map<(m, n, k) -> (n)>],
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xDivisors = array<i64: 1, 1>, xElement = i32, wElement = i32,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 7>, wShape = array<i64: 3, 7>} -> tensor<5x3xi32> {
  ^bb0(%m: index, %n: index, %acc: i32):
    lp.yield %acc : i32
  }
  return %y : tensor<5x3xi32>
}
