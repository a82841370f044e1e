// Reductions in marked loops are computed in 16 bits if nothing in them can leave these.
// RUN: lpgen-opt --lp-narrow-reductions %s | FileCheck %s

#one = affine_map<(d0, d1) -> (d0 + d1)>
#tap = affine_map<(d0, d1) -> (d1)>

// 16 products of -2048 make -32768. Padding and constants become narrow, too.
// CHECK-LABEL: func.func @fits(
// CHECK: %[[SUM:.*]] = lp.reduce sum [16] : i16 {
// CHECK: %[[X:.*]] = lp.read {{.*}} pad 0 : i16 {{.*}} -> i16
// CHECK: %[[W:.*]] = lp.read {{.*}} -> i16
// CHECK: arith.muli %[[X]], %[[W]] : i16
// CHECK: %[[WIDE:.*]] = arith.extsi %[[SUM]] : i16 to i32
// CHECK: memref.store %[[WIDE]]
func.func @fits(%x: memref<99xi8>, %w: memref<16xi8>, %y: memref<80xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c80 = arith.constant 80 : index
  scf.for %i = %c0 to %c80 step %c1 {
    %s = lp.reduce sum [16] : i32 {
    ^bb0(%k: index):
      %a = lp.read %x[%i, %k] #one divisors [1] pad 0 : i32 element !lp.int<unsigned, 8> range [0, 128] : memref<99xi8> -> i32
      %b = lp.read %w[%i, %k] #tap divisors [1] element !lp.int<signed, 5> : memref<16xi8> -> i32
      %p = arith.muli %a, %b : i32
      lp.yield %p : i32
    }
    memref.store %s, %y[%i] : memref<80xi32>
  } {lp.elementwise}
  return
}

// One more does not fit.
// CHECK-LABEL: func.func @exceeds(
// CHECK: lp.reduce sum [17] : i32
// CHECK-NOT: i16
func.func @exceeds(%x: memref<99xi8>, %w: memref<17xi8>, %y: memref<80xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c80 = arith.constant 80 : index
  scf.for %i = %c0 to %c80 step %c1 {
    %s = lp.reduce sum [17] : i32 {
    ^bb0(%k: index):
      %a = lp.read %x[%i, %k] #one divisors [1] element !lp.int<unsigned, 8> range [0, 128] : memref<99xi8> -> i32
      %b = lp.read %w[%i, %k] #tap divisors [1] element !lp.int<signed, 5> : memref<17xi8> -> i32
      %p = arith.muli %a, %b : i32
      lp.yield %p : i32
    }
    memref.store %s, %y[%i] : memref<80xi32>
  } {lp.elementwise}
  return
}

// A maximum stays within its terms, however many; a padding beyond 16 bits does not.
// CHECK-LABEL: func.func @maximum(
// CHECK: arith.constant 3 : i16
// CHECK: lp.reduce max [70000] : i16
// CHECK: lp.reduce max [2] : i32
func.func @maximum(%x: memref<99xi8>, %y: memref<80xi32>, %z: memref<80xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c80 = arith.constant 80 : index
  %zero = arith.constant 3 : i32
  scf.for %i = %c0 to %c80 step %c1 {
    %s = lp.reduce max [70000] : i32 {
    ^bb0(%k: index):
      %a = lp.read %x[%i, %k] #one divisors [1] element !lp.int<signed, 8> : memref<99xi8> -> i32
      %d = arith.subi %a, %zero : i32
      lp.yield %d : i32
    }
    memref.store %s, %y[%i] : memref<80xi32>
    %t = lp.reduce max [2] : i32 {
    ^bb0(%k: index):
      %a = lp.read %x[%i, %k] #one divisors [1] pad 40000 : i32 element !lp.int<signed, 8> : memref<99xi8> -> i32
      lp.yield %a : i32
    }
    memref.store %t, %z[%i] : memref<80xi32>
  } {lp.elementwise}
  return
}

// Elements of 32 bits that are declared to fit 16 are read as such.
// CHECK-LABEL: func.func @zeros(
// CHECK: lp.reduce sum [4] : i16
// CHECK: lp.read %{{.*}} element i32 range [-31, 31] : memref<i32> -> i16
func.func @zeros(%x: memref<99xi8>, %zero: memref<i32>, %y: memref<80xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c80 = arith.constant 80 : index
  scf.for %i = %c0 to %c80 step %c1 {
    %s = lp.reduce sum [4] : i32 {
    ^bb0(%k: index):
      %a = lp.read %x[%i, %k] #one divisors [1] element !lp.int<unsigned, 8> : memref<99xi8> -> i32
      %z = lp.read %zero[] affine_map<() -> ()> divisors [] element i32 range [-31, 31] : memref<i32> -> i32
      %d = arith.subi %a, %z : i32
      lp.yield %d : i32
    }
    memref.store %s, %y[%i] : memref<80xi32>
  } {lp.elementwise}
  return
}

// Nothing is known of a value from outside, and unmarked loops are not for vectors.
// CHECK-LABEL: func.func @untouched(
// CHECK-COUNT-2: lp.reduce sum [2] : i32
// CHECK-NOT: i16
func.func @untouched(%x: memref<99xi8>, %zero: i32, %y: memref<80xi32>, %z: memref<80xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c80 = arith.constant 80 : index
  scf.for %i = %c0 to %c80 step %c1 {
    %s = lp.reduce sum [2] : i32 {
    ^bb0(%k: index):
      %a = lp.read %x[%i, %k] #one divisors [1] element !lp.int<signed, 8> : memref<99xi8> -> i32
      %d = arith.subi %a, %zero : i32
      lp.yield %d : i32
    }
    memref.store %s, %y[%i] : memref<80xi32>
  } {lp.elementwise}
  scf.for %i = %c0 to %c80 step %c1 {
    %s = lp.reduce sum [2] : i32 {
    ^bb0(%k: index):
      %a = lp.read %x[%i, %k] #one divisors [1] element !lp.int<signed, 8> : memref<99xi8> -> i32
      lp.yield %a : i32
    }
    memref.store %s, %z[%i] : memref<80xi32>
  }
  return
}
