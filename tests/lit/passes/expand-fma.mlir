// Fused multiply-adds of f32 by f64: an exact product, a sum rounded to odd.
// RUN: lpgen-opt --lp-expand-fma %s | FileCheck %s

// CHECK-LABEL: func.func @scalar(
// CHECK: %[[P:.*]] = arith.mulf %{{.*}}, %{{.*}} : f64
// CHECK: %[[S:.*]] = arith.addf %[[P]], %{{.*}} : f64
// CHECK: %[[BITS:.*]] = arith.bitcast %[[S]] : f64 to i64
// CHECK: arith.cmpf one,
// CHECK: %[[ODD:.*]] = arith.addi %[[BITS]],
// CHECK: %[[WIDE:.*]] = arith.bitcast %[[ODD]] : i64 to f64
// CHECK: %[[R:.*]] = arith.truncf %[[WIDE]] : f64 to f32
// CHECK: return %[[R]]
func.func @scalar(%a: f32, %b: f32, %c: f32) -> f32 {
  %r = math.fma %a, %b, %c : f32
  return %r : f32
}

// CHECK-LABEL: func.func @vector(
// CHECK: arith.mulf %{{.*}}, %{{.*}} : vector<4xf64>
// CHECK-NOT: math.fma
func.func @vector(%a: vector<4xf32>) -> vector<4xf32> {
  %r = math.fma %a, %a, %a : vector<4xf32>
  return %r : vector<4xf32>
}
