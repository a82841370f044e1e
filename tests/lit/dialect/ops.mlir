// RUN: lpgen-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @elementwise
// CHECK-SAME: tensor<4x8x!lp.int<unsigned, 2>>
func.func @elementwise(%x: tensor<4x8x!lp.int<unsigned, 2>>) -> tensor<4x8x!lp.int<bipolar, 1>> {
  // CHECK: lp.compute [4, 8] -> tensor<4x8x!lp.int<bipolar, 1>>
  %y = lp.compute [4, 8] -> tensor<4x8x!lp.int<bipolar, 1>> {
  ^bb0(%i: index, %j: index):
    // CHECK: lp.read %{{.*}}[%{{.*}}, %{{.*}}] #{{.*}} divisors [1, 1] pad 0 : i32
    %v = lp.read %x[%i, %j] affine_map<(d0, d1) -> (d0, d1 - 1)> divisors [1, 1] pad 0 : i32
      : tensor<4x8x!lp.int<unsigned, 2>> -> i32
    // CHECK: lp.quantize %{{.*}} to !lp.int<bipolar, 1>
    %q = lp.quantize %v to !lp.int<bipolar, 1> : i32 -> !lp.int<bipolar, 1>
    lp.yield %q : !lp.int<bipolar, 1>
  }
  return %y : tensor<4x8x!lp.int<bipolar, 1>>
}

// CHECK-LABEL: func @scalars
func.func @scalars(%t: tensor<3xi32>, %acc: i32, %seed: i64) -> tensor<i32> {
  %y = lp.compute [] -> tensor<i32> {
    // CHECK: lp.requantize
    %a = lp.requantize %acc, %acc, %acc
    // CHECK: lp.threshold %{{.*}}, %{{.*}}[] #{{.*}} levels 3
    %b = lp.threshold %a, %t[] affine_map<(d0) -> (d0)> levels 3 : i32, tensor<3xi32>
    // CHECK: lp.random
    %r = lp.random %seed, %seed
    // CHECK: lp.reduce max [3] : i32
    %m = lp.reduce max [3] : i32 {
    ^bb0(%k: index):
      %e = lp.read %t[%k] affine_map<(d0) -> (d0)> divisors [1] : tensor<3xi32> -> i32
      lp.yield %e : i32
    }
    // CHECK: lp.function "erf" %{{.*}}
    %f = lp.function "erf" %r
    // CHECK: lp.reduce fma [3] : f32
    %p = lp.reduce fma [3] : f32 {
    ^bb0(%k: index):
      lp.yield %f, %f : f32, f32
    }
    // CHECK: lp.reduce argmax [3] : i32
    %i = lp.reduce argmax [3] : i32 {
    ^bb0(%k: index):
      lp.yield %p : f32
    }
    %n = arith.addi %b, %i : i32
    %s = arith.addi %n, %m : i32
    lp.yield %s : i32
  }
  return %y : tensor<i32>
}

// CHECK-LABEL: func @running
func.func @running(%x: tensor<5xf32>) -> tensor<5xf32> {
  %y = lp.compute [5] -> tensor<5xf32> {
  ^bb0(%i: index):
    // CHECK: %[[END:.*]] = arith.addi
    // CHECK: lp.reduce max [-9223372036854775808] dynamic(%[[END]]) : f32
    %one = arith.constant 1 : index
    %end = arith.addi %i, %one : index
    %m = lp.reduce max [-9223372036854775808] dynamic(%end) : f32 {
    ^bb0(%k: index):
      %v = lp.read %x[%k] affine_map<(d0) -> (d0)> divisors [1] : tensor<5xf32> -> f32
      lp.yield %v : f32
    }
    lp.yield %m : f32
  }
  return %y : tensor<5xf32>
}

// CHECK-LABEL: func @contract
func.func @contract(%x: tensor<5x7x!lp.int<unsigned, 4>>, %w: tensor<3x7x!lp.int<signed, 4>>) -> tensor<5x3xi32> {
  // CHECK: lp.contract ins(%{{.*}}, %{{.*}} : {{.*}}) loops [5, 3, 7] parallel 2
  // CHECK-SAME: schedule = #lp.schedule<"widen", cell = "maddubs16", tile = [4, 2], unroll = 2, block = 8>
  %y = lp.contract ins(%x, %w : tensor<5x7x!lp.int<unsigned, 4>>, tensor<3x7x!lp.int<signed, 4>>)
    loops [5, 3, 7] parallel 2 attributes {
      schedule = #lp.schedule<"widen", cell = "maddubs16", tile = [4, 2], unroll = 2, block = 8>,
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xDivisors = array<i64: 1, 1>, xElement = !lp.int<unsigned, 4>, wElement = !lp.int<signed, 4>,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 7>, wShape = array<i64: 3, 7>} -> tensor<5x3xi32> {
  ^bb0(%m: index, %n: index, %acc: i32):
    lp.yield %acc : i32
  }
  return %y : tensor<5x3xi32>
}

// CHECK: func private @machine() attributes {s = #lp.schedule<"widen", cell = "maddw", tile = [1, 1], unroll = 1, block = 1, prefetch = 0>, t = #lp.target<"x86_avx2", cpu = "znver4">}
func.func private @machine() attributes {s = #lp.schedule<"widen", cell = "maddw", tile = [1, 1], unroll = 1, block = 1, prefetch = 0>, t = #lp.target<"x86_avx2", cpu = "znver4">}

// CHECK: lp.tuned "x86_avx2" "u2" x "s2" rows 784 columns 128 reduction 1152 -> <"direct", cell = ""
lp.tuned "x86_avx2" "u2" x "s2" rows 784 columns 128 reduction 1152 -> <"direct", cell = "", tile = [1, 1], unroll = 1, block = 1>

// CHECK-LABEL: func @interleaved
func.func @interleaved(%a: tensor<?x3xi32>, %b: tensor<?x2xi32>) -> tensor<?x5xi32> {
  // CHECK: lp.interleave %{{.*}}, %{{.*}} periods [1, 2] : tensor<?x3xi32>, tensor<?x2xi32> -> tensor<?x5xi32>
  %y = lp.interleave %a, %b periods [1, 2] : tensor<?x3xi32>, tensor<?x2xi32> -> tensor<?x5xi32>
  return %y : tensor<?x5xi32>
}
