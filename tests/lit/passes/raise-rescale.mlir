// Fixed-point factors of sums, (x * m >> s) + 1 >> 1, become lp.rescale where it fits 32 bits,
// and offsets and clamps behind it have 32 bits.
// RUN: lpgen-opt --lp-raise-rescale --canonicalize %s | FileCheck %s

#at = affine_map<(d0) -> (d0)>

// CHECK-LABEL: func.func @fits(
// CHECK: %[[M:.*]] = lp.read {{.*}} range [0, 2147483647]
// CHECK: %[[S:.*]] = lp.read {{.*}} range [31, 61]
// CHECK: %[[Y:.*]] = lp.rescale %{{.*}}, %[[M]], %[[S]] at least 31 : i32
// CHECK: %[[Z:.*]] = arith.subi %[[Y]], %{{.*}} : i32
// CHECK: %[[LOW:.*]] = arith.maxsi %[[Z]], %{{.*}} : i32
// CHECK: lp.quantize %[[LOW]] to !lp.int<signed, 8> : i32 -> i8
func.func @fits(%i: index, %x: i32, %m: memref<9xi32>, %s: memref<9xi32>) -> i8 {
  %c1 = arith.constant 1 : i64
  %c128 = arith.constant 128 : i64
  %low = arith.constant -100 : i64
  %mi = lp.read %m[%i] #at divisors [1] element i32 range [0, 2147483647] : memref<9xi32> -> i32
  %si = lp.read %s[%i] #at divisors [1] element i32 range [31, 61] : memref<9xi32> -> i32
  %a = arith.extsi %x : i32 to i64
  %b = arith.extsi %mi : i32 to i64
  %p = arith.muli %a, %b : i64
  %c = arith.extsi %si : i32 to i64
  %q = arith.shrsi %p, %c : i64
  %r = arith.addi %q, %c1 : i64
  %y = arith.shrsi %r, %c1 : i64
  %z = arith.subi %y, %c128 : i64
  %l = arith.maxsi %z, %low : i64
  %e = lp.quantize %l to !lp.int<signed, 8> : i64 -> i8
  return %e : i8
}

// A constant factor, and what has no form of 32 bits behind it.
// CHECK-LABEL: func.func @extends(
// CHECK: %[[Y:.*]] = lp.rescale %{{.*}}, %{{.*}}, %{{.*}} at least 40 : i32
// CHECK: %[[WIDE:.*]] = arith.extsi %[[Y]] : i32 to i64
// CHECK: arith.muli %[[WIDE]], %[[WIDE]] : i64
func.func @extends(%x: i32) -> i64 {
  %c1 = arith.constant 1 : i64
  %m = arith.constant 1500000000 : i64
  %s = arith.constant 40 : i64
  %a = arith.extsi %x : i32 to i64
  %p = arith.muli %a, %m : i64
  %q = arith.shrsi %p, %s : i64
  %r = arith.addi %q, %c1 : i64
  %y = arith.shrsi %r, %c1 : i64
  %z = arith.muli %y, %y : i64
  return %z : i64
}

// With a shift of 29 the result has 33 bits.
// CHECK-LABEL: func.func @exceeds(
// CHECK-NOT: lp.rescale
func.func @exceeds(%i: index, %x: i32, %s: memref<9xi32>) -> i64 {
  %c1 = arith.constant 1 : i64
  %m = arith.constant 2147483647 : i64
  %si = lp.read %s[%i] #at divisors [1] element i32 range [29, 61] : memref<9xi32> -> i32
  %a = arith.extsi %x : i32 to i64
  %p = arith.muli %a, %m : i64
  %c = arith.extsi %si : i32 to i64
  %q = arith.shrsi %p, %c : i64
  %r = arith.addi %q, %c1 : i64
  %y = arith.shrsi %r, %c1 : i64
  return %y : i64
}

// An operand of 64 bits.
// CHECK-LABEL: func.func @wide(
// CHECK-NOT: lp.rescale
func.func @wide(%x: i64) -> i64 {
  %c1 = arith.constant 1 : i64
  %m = arith.constant 3 : i64
  %s = arith.constant 40 : i64
  %p = arith.muli %x, %m : i64
  %q = arith.shrsi %p, %s : i64
  %r = arith.addi %q, %c1 : i64
  %y = arith.shrsi %r, %c1 : i64
  return %y : i64
}
