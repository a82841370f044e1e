// Rounding of f32 by the additions that round to nearest even themselves.
// RUN: lpgen-opt --lp-expand-rounding --canonicalize --cse %s | FileCheck %s

// CHECK-LABEL: func.func @even(
// CHECK-SAME: %[[X:.*]]: f32
// CHECK-DAG: %[[LIMIT:.*]] = arith.constant 0x4B000000 : f32
// CHECK: %[[MAGIC:.*]] = math.copysign %[[LIMIT]], %[[X]]
// CHECK: %[[SUM:.*]] = arith.addf %[[X]], %[[MAGIC]]
// CHECK: %[[ROUNDED:.*]] = arith.subf %[[SUM]], %[[MAGIC]]
// CHECK: %[[ABS:.*]] = math.absf %[[X]]
// CHECK: %[[SMALL:.*]] = arith.cmpf olt, %[[ABS]], %[[LIMIT]]
// CHECK: %[[RESULT:.*]] = arith.select %[[SMALL]], %[[ROUNDED]], %[[X]]
// CHECK: return %[[RESULT]]
func.func @even(%x: f32) -> f32 {
  %r = math.roundeven %x : f32
  return %r : f32
}

// One less where the nearest integer lies above.
// CHECK-LABEL: func.func @floor(
// CHECK-SAME: %[[X:.*]]: f32
// CHECK: %[[NEAREST:.*]] = arith.select
// CHECK: %[[LESS:.*]] = arith.subf %[[NEAREST]],
// CHECK: %[[ABOVE:.*]] = arith.cmpf ogt, %[[NEAREST]], %[[X]]
// CHECK: arith.select %[[ABOVE]], %[[LESS]], %[[NEAREST]]
func.func @floor(%x: f32) -> f32 {
  %r = math.floor %x : f32
  return %r : f32
}

// CHECK-LABEL: func.func @ceil_and_trunc(
// CHECK: arith.cmpf olt
// CHECK-NOT: math.ceil
// CHECK-NOT: math.trunc
// CHECK: return
func.func @ceil_and_trunc(%x: f32) -> (f32, f32) {
  %c = math.ceil %x : f32
  %t = math.trunc %x : f32
  return %c, %t : f32, f32
}

// A conversion that rounds is a rounding and one that does not.
// CHECK-LABEL: func.func @convert(
// CHECK: %[[NEAREST:.*]] = arith.select
// CHECK: arith.fptosi %[[NEAREST]] : vector<4xf32> to vector<4xi32>
// CHECK-NOT: lrint
func.func @convert(%x: vector<4xf32>) -> vector<4xi32> {
  %r = llvm.intr.lrint(%x) : (vector<4xf32>) -> vector<4xi32>
  return %r : vector<4xi32>
}
