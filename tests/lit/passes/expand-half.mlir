// Conversions of f16 by integers; those between other floats stay.
// RUN: lpgen-opt --lp-expand-half --canonicalize %s | FileCheck %s

// The exponent by a product, infinities and NaN by their bits.
// CHECK-LABEL: func.func @extend(
// CHECK-DAG: %[[SCALE:.*]] = arith.constant 5.19229686E+33 : f32
// CHECK-DAG: %[[TOP:.*]] = arith.constant 2139095040 : i32
// CHECK: %[[WORD:.*]] = arith.extui %{{.*}} : i16 to i32
// CHECK: %[[FLOAT:.*]] = arith.bitcast %{{.*}} : i32 to f32
// CHECK: arith.mulf %[[FLOAT]], %[[SCALE]]
// CHECK: %[[SPECIAL:.*]] = arith.ori %{{.*}}, %[[TOP]]
// CHECK: arith.select %{{.*}}, %[[SPECIAL]],
// CHECK-NOT: arith.extf
func.func @extend(%bits: i16) -> f32 {
  %h = arith.bitcast %bits : i16 to f16
  %r = arith.extf %h : f16 to f32
  return %r : f32
}

// CHECK-LABEL: func.func @truncate(
// CHECK-DAG: %[[HALF:.*]] = arith.constant dense<5.000000e-01> : vector<4xf32>
// CHECK: arith.addf %{{.*}}, %[[HALF]] : vector<4xf32>
// CHECK: arith.minsi
// CHECK: arith.trunci %{{.*}} : vector<4xi32> to vector<4xi16>
// CHECK-NOT: arith.truncf
func.func @truncate(%v: vector<4xf32>) -> vector<4xi16> {
  %h = arith.truncf %v : vector<4xf32> to vector<4xf16>
  %r = arith.bitcast %h : vector<4xf16> to vector<4xi16>
  return %r : vector<4xi16>
}

// CHECK-LABEL: func.func @others(
// CHECK-DAG: arith.extf %{{.*}} : f32 to f64
// CHECK-DAG: arith.truncf %{{.*}} : f64 to f32
func.func @others(%v: f32, %w: f64) -> (f64, f32) {
  %wide = arith.extf %v : f32 to f64
  %narrow = arith.truncf %w : f64 to f32
  return %wide, %narrow : f64, f32
}
