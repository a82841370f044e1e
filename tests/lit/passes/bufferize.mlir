// Tensors become memrefs: outputs are arguments, intermediates slices of one workspace,
// operands of packed contractions byte buffers.
// RUN: lpgen-opt --lp-bufferize %s | FileCheck %s

// w comes packed from the caller; x is packed into the workspace, for its bound of 6 rows:
// bit planes of both and, for the zero point of x and the encoding of w, sums of x.
// CHECK-LABEL: lp.kernel @chain
// CHECK-SAME: sizes [#lp.size<"m", bound = 6>]
// CHECK-SAME: #lp.buffer<"x", input, !lp.int<unsigned, 2>, [?0, 9], range = [0, 3]>
// CHECK-SAME: #lp.buffer<"w", input, !lp.int<bipolar, 1>, [3, 9], range = [-1, 1] packed = <[[$WBYTES:[0-9]+]], <weights, {{.*}}>, packer = @chain.pack.w>>
// CHECK-SAME: workspace = [[WORKBYTES:[0-9]+]]
// CHECK: ^bb0(%[[M:.*]]: index, %[[X:.*]]: memref<?x9xi8>, %[[W:.*]]: memref<[[$WBYTES]]xi8>
// CHECK-SAME: %[[V:.*]]: memref<2x3xi8>, %[[ZERO:.*]]: memref<i8>, %[[Y:.*]]: memref<?x2xi8>,
// CHECK-SAME: %[[WORK:.*]]: memref<[[WORKBYTES]]xi8>):
// CHECK: %[[PACKED:.*]] = memref.view %[[WORK]][%{{.*}}][] : memref<[[WORKBYTES]]xi8> to memref<[[XBYTES:[0-9]+]]xi8>
// CHECK: lp.pack %[[X]] : {{.*}} into %[[PACKED]] : memref<[[XBYTES]]xi8> <activations, digits, group = 8, bytes = 1, bits = 1, planes = 2, lanes = 1, offset = 0, halve = false, signed = false, sums = true>
// CHECK-SAME: dynamic(%[[M]])

// The intermediate lies after packed x.
// CHECK: %[[OFFSET:.*]] = arith.constant [[XBYTES]] : index
// CHECK: %[[Q:.*]] = memref.view %[[WORK]][%[[OFFSET]]][%[[M]]] : memref<[[WORKBYTES]]xi8> to memref<?x3xi32>
// CHECK: lp.contract ins(%[[PACKED]], %[[W]] : {{.*}}) x_zero(%[[ZERO]] : memref<i8>)
// CHECK-SAME: outs(%[[Q]] : memref<?x3xi32>)
// CHECK-SAME: wLayout = #lp.layout<weights, digits, group = 8, bytes = 1, bits = 1, planes = 1, lanes = 16, offset = 1, halve = true, signed = false, sums = true>
// CHECK-SAME: xZeroElement = !lp.int<unsigned, 2>

// Without a cell nothing is packed. The encoding moves from types to attributes.
// CHECK: lp.contract ins(%[[Q]], %[[V]] : memref<?x3xi32>, memref<2x3xi8>)
// CHECK-SAME: outs(%[[Y]] : memref<?x2xi8>)
// CHECK-NOT: Layout
// CHECK: lp.quantize %{{.*}} to !lp.int<signed, 8> : i32 -> i8

lp.kernel @chain for <"generic"> sizes [#lp.size<"m", bound = 6>] buffers [
    #lp.buffer<"x", input, !lp.int<unsigned, 2>, [?0, 9], range = [0, 3]>,
    #lp.buffer<"w", input, !lp.int<bipolar, 1>, [3, 9], range = [-1, 1]>,
    #lp.buffer<"v", input, !lp.int<signed, 4>, [2, 3], range = [-8, 7]>,
    #lp.buffer<"zx", input, !lp.int<unsigned, 2>, [], range = [0, 3]>,
    #lp.buffer<"y", output, !lp.int<signed, 8>, [?0, 2], range = [-128, 127]>] {
^bb0(%m: index, %x: tensor<?x9x!lp.int<unsigned, 2>>, %w: tensor<3x9x!lp.int<bipolar, 1>>,
     %v: tensor<2x3x!lp.int<signed, 4>>, %zx: tensor<!lp.int<unsigned, 2>>):
  %q = lp.contract ins(%x, %w : tensor<?x9x!lp.int<unsigned, 2>>, tensor<3x9x!lp.int<bipolar, 1>>)
    x_zero(%zx : tensor<!lp.int<unsigned, 2>>)
    loops [-9223372036854775808, 3, 9] parallel 2 dynamic(%m) attributes {label = "q", xZeroMap = affine_map<(m, n, k) -> ()>,
      schedule = #lp.schedule<"bitserial", cell = "ctpop", tile = [6, 1], unroll = 2, block = 1>,
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xDivisors = array<i64: 1, 1>, xElement = !lp.int<unsigned, 2>, wElement = !lp.int<bipolar, 1>,
      xRange = array<i64: 0, 3>, wRange = array<i64: -1, 1>,
      xShape = array<i64: -9223372036854775808, 9>, wShape = array<i64: 3, 9>} -> tensor<?x3xi32> {
  ^bb0(%i: index, %j: index, %acc: i32):
    lp.yield %acc : i32
  }
  %y = lp.contract ins(%q, %v : tensor<?x3xi32>, tensor<2x3x!lp.int<signed, 4>>)
    loops [-9223372036854775808, 2, 3] parallel 2 dynamic(%m) attributes {label = "y",
      schedule = #lp.schedule<"direct", cell = "", tile = [1, 1], unroll = 1, block = 1>,
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xDivisors = array<i64: 1, 1>, xElement = i32, wElement = !lp.int<signed, 4>,
      xRange = array<i64: -81, 81>, wRange = array<i64: -8, 7>,
      xShape = array<i64: -9223372036854775808, 3>, wShape = array<i64: 2, 3>} -> tensor<?x2x!lp.int<signed, 8>> {
  ^bb0(%i: index, %j: index, %acc: i32):
    %s = lp.quantize %acc to !lp.int<signed, 8> : i32 -> !lp.int<signed, 8>
    lp.yield %s : !lp.int<signed, 8>
  }
  lp.yield %y : tensor<?x2x!lp.int<signed, 8>>
}

// A w that is read twice cannot come packed; no pack function, its packing is a phase.
// CHECK-LABEL: lp.kernel @shared
// CHECK-NOT: packed
// CHECK: ^bb0(%[[X2:.*]]: memref<16x8xi8>
// CHECK: lp.pack %[[X2]] : {{.*}} into %{{.*}} <activations,
// CHECK: lp.pack %[[X2]] : {{.*}} into %{{.*}} <weights,
// CHECK-NOT: shared.pack
lp.kernel @shared for <"generic"> sizes [] buffers [
    #lp.buffer<"x", input, !lp.int<unsigned, 1>, [16, 8], range = [0, 1]>,
    #lp.buffer<"y", output, i32, [16, 16], range = [0, 8]>] {
^bb0(%x: tensor<16x8x!lp.int<unsigned, 1>>):
  %y = lp.contract ins(%x, %x : tensor<16x8x!lp.int<unsigned, 1>>, tensor<16x8x!lp.int<unsigned, 1>>)
    loops [16, 16, 8] parallel 2 attributes {label = "y",
      schedule = #lp.schedule<"bitserial", cell = "ctpop", tile = [2, 1], unroll = 2, block = 1>,
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xDivisors = array<i64: 1, 1>, xElement = !lp.int<unsigned, 1>, wElement = !lp.int<unsigned, 1>,
      xRange = array<i64: 0, 1>, wRange = array<i64: 0, 1>,
      xShape = array<i64: 16, 8>, wShape = array<i64: 16, 8>} -> tensor<16x16xi32> {
  ^bb0(%i: index, %j: index, %acc: i32):
    lp.yield %acc : i32
  }
  lp.yield %y : tensor<16x16xi32>
}

// What only a packed contraction reads is computed where it is packed, and not stored.
// CHECK-LABEL: lp.kernel @producer
// CHECK: ^bb0(%[[F:.*]]: memref<4x8xf32>
// CHECK-NOT: lp.compute
// CHECK: lp.pack into %{{.*}} : memref<{{.*}}> <activations,
// CHECK-SAME: {
// CHECK-NEXT: ^bb0(%[[I:.*]]: index, %[[K:.*]]: index):
// CHECK: lp.read %[[F]][%[[I]], %[[K]]]
// CHECK: lp.yield
// CHECK: lp.contract
lp.kernel @producer for <"generic"> sizes [] buffers [
    #lp.buffer<"f", input, f32, [4, 8]>,
    #lp.buffer<"w", input, !lp.int<unsigned, 1>, [16, 8], range = [0, 1]>,
    #lp.buffer<"y", output, i32, [4, 16], range = [0, 24]>] {
^bb0(%f: tensor<4x8xf32>, %w: tensor<16x8x!lp.int<unsigned, 1>>):
  %t = lp.compute [4, 8] attributes {range = array<i64: 0, 3>} -> tensor<4x8xi32> {
  ^bb0(%i: index, %k: index):
    %v = lp.read %f[%i, %k] affine_map<(i, k) -> (i, k)> divisors [1, 1] : tensor<4x8xf32> -> f32
    %q = arith.fptosi %v : f32 to i32
    lp.yield %q : i32
  }
  %y = lp.contract ins(%t, %w : tensor<4x8xi32>, tensor<16x8x!lp.int<unsigned, 1>>)
    loops [4, 16, 8] parallel 2 attributes {label = "y",
      schedule = #lp.schedule<"bitserial", cell = "ctpop", tile = [2, 1], unroll = 2, block = 1>,
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xDivisors = array<i64: 1, 1>, xElement = i32, wElement = !lp.int<unsigned, 1>,
      xRange = array<i64: 0, 3>, wRange = array<i64: 0, 1>,
      xShape = array<i64: 4, 8>, wShape = array<i64: 16, 8>} -> tensor<4x16xi32> {
  ^bb0(%i: index, %j: index, %acc: i32):
    lp.yield %acc : i32
  }
  lp.yield %y : tensor<4x16xi32>
}

// Functions that the caller packs by stand at the end; run-time sizes do not reach w.
// CHECK-LABEL: func.func @chain.pack.w(
// CHECK-SAME: %[[LOGICAL:.*]]: memref<3x9xi8>, %[[TO:.*]]: memref<[[$WBYTES]]xi8>)
// CHECK: lp.pack %[[LOGICAL]] : {{.*}} into %[[TO]] : memref<{{.*}}> <weights,
// CHECK-SAME: loops [6, 3, 9]
