// Sums times fixed-point factors, for a target with instructions for vectors and as they are.
// RUN: lpgen-opt --lp-expand-rescale %s | FileCheck %s

// CHECK-LABEL: func.func @scalar(
// CHECK: %[[P:.*]] = arith.muli %{{.*}}, %{{.*}} : i64
// CHECK: %[[Q:.*]] = arith.shrsi %[[P]], %{{.*}} : i64
// CHECK: %[[R:.*]] = arith.addi %[[Q]], %[[ONE:.*]] : i64
// CHECK: %[[Y:.*]] = arith.shrsi %[[R]], %[[ONE]] : i64
// CHECK: arith.trunci %[[Y]] : i64 to i32
func.func @scalar(%x: i32, %m: i32, %s: i32) -> i32 {
  %y = lp.rescale %x, %m, %s at least 30 : i32
  return %y : i32
}

// CHECK-LABEL: func.func @vector(
// CHECK: arith.muli %{{.*}}, %{{.*}} : vector<8xi64>
// CHECK-NOT: lp.rescale
func.func @vector(%x: vector<8xi32>, %m: vector<8xi32>, %s: vector<8xi32>) -> vector<8xi32> {
  %y = lp.rescale %x, %m, %s at least 31 : vector<8xi32>
  return %y : vector<8xi32>
}
