// Marked loops become vector code where every operation has a vector form.
// RUN: lpgen-opt --pass-pipeline='builtin.module(func.func(lp-vectorize-elementwise{vector-bits=256}),canonicalize)' %s | FileCheck %s

// Bytes fill a vector: 32 trips at once. What all trips share is broadcast, a moved position
// stays consecutive.
// CHECK-LABEL: func.func @bytes(
// CHECK-SAME: %[[X:.*]]: memref<4x64xi32>, %[[B:.*]]: memref<80xi32>, %[[Y:.*]]: memref<64xi8>, %[[ROW:.*]]: index
// CHECK: scf.for %[[I:.*]] = %c0 to %c64 step %c32 {
// CHECK: %[[A:.*]] = vector.load %[[X]][%[[ROW]], %[[I]]] : memref<4x64xi32>, vector<32xi32>
// CHECK: %[[AT:.*]] = arith.addi %[[I]], %c16
// CHECK: %[[C:.*]] = vector.load %[[B]][%[[AT]]] : memref<80xi32>, vector<32xi32>
// CHECK: %[[SHARED:.*]] = memref.load %[[B]][%[[ROW]]]
// CHECK: %[[S:.*]] = arith.addi %[[A]], %[[C]] : vector<32xi32>
// CHECK: %[[ALL:.*]] = vector.broadcast %[[SHARED]] : i32 to vector<32xi32>
// CHECK: %[[T:.*]] = arith.maxsi %[[S]], %[[ALL]] : vector<32xi32>
// CHECK: %[[N:.*]] = arith.trunci %[[T]] : vector<32xi32> to vector<32xi8>
// CHECK: vector.store %[[N]], %[[Y]][%[[I]]]
// CHECK-NOT: memref.store
func.func @bytes(%x: memref<4x64xi32>, %b: memref<80xi32>, %y: memref<64xi8>, %row: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c64 = arith.constant 64 : index
  scf.for %i = %c0 to %c64 step %c1 {
    %a = memref.load %x[%row, %i] : memref<4x64xi32>
    %at = arith.addi %i, %c16 : index
    %c = memref.load %b[%at] : memref<80xi32>
    %shared = memref.load %b[%row] : memref<80xi32>
    %s = arith.addi %a, %c : i32
    %t = arith.maxsi %s, %shared : i32
    %n = arith.trunci %t : i32 to i8
    memref.store %n, %y[%i] : memref<64xi8>
  } {lp.elementwise}
  return
}

// A run-time number of trips: whole vectors, then the rest one by one.
// CHECK-LABEL: func.func @rest(
// CHECK-SAME: memref<?xf32>, %{{.*}}: memref<?xf32>, %[[N:.*]]: index)
// CHECK: %[[COUNT:.*]] = arith.divui %[[N]], %c8
// CHECK: %[[MIDDLE:.*]] = arith.muli %[[COUNT]], %c8
// CHECK: scf.for %{{.*}} = %c0 to %[[MIDDLE]] step %c8
// CHECK: vector.store
// CHECK: scf.for %{{.*}} = %[[MIDDLE]] to %[[N]] step %c1
// CHECK: memref.store
func.func @rest(%x: memref<?xf32>, %y: memref<?xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    %a = memref.load %x[%i] : memref<?xf32>
    %b = arith.negf %a : f32
    memref.store %b, %y[%i] : memref<?xf32>
  } {lp.elementwise}
  return
}

// A known number of trips: vectors of what is left, as long as four trips fill one.
// CHECK-LABEL: func.func @odd(
// CHECK: scf.for %{{.*}} = %c0 to %c24 step %c8
// CHECK: vector.store {{.*}} vector<8xf32>
// CHECK: vector.store %{{.*}}, %{{.*}}[%c24] : memref<29xf32>, vector<4xf32>
// CHECK: memref.store %{{.*}}, %{{.*}}[%c28]
func.func @odd(%x: memref<29xf32>, %y: memref<29xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c29 = arith.constant 29 : index
  scf.for %i = %c0 to %c29 step %c1 {
    %a = memref.load %x[%i] : memref<29xf32>
    %b = arith.negf %a : f32
    memref.store %b, %y[%i] : memref<29xf32>
  } {lp.elementwise}
  return
}

// Loops and branches inside are the same for all lanes and carry vectors.
// CHECK-LABEL: func.func @inside(
// CHECK: scf.for %[[I:.*]] = %c0 to %c64 step %c32
// CHECK: %[[SUM:.*]] = scf.for %[[R:.*]] = %c0 to %c3 step %c1 iter_args(%[[S:.*]] = %{{.*}}) -> (vector<32xi32>)
// CHECK: %[[IN:.*]] = arith.cmpi ult, %[[R]]
// CHECK: %[[V:.*]] = scf.if %[[IN]] -> (vector<32xi32>)
// CHECK: vector.load %{{.*}}[%[[R]], %[[I]]] : memref<3x64xi8>, vector<32xi8>
// CHECK: } else {
// CHECK: scf.yield %{{.*}} : vector<32xi32>
// CHECK: arith.addi %[[S]], %[[V]] : vector<32xi32>
// CHECK: arith.trunci %[[SUM]]
func.func @inside(%x: memref<3x64xi8>, %y: memref<64xi8>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant 0 : i32
  scf.for %i = %c0 to %c64 step %c1 {
    %sum = scf.for %r = %c0 to %c3 step %c1 iter_args(%s = %zero) -> (i32) {
      %in = arith.cmpi ult, %r, %n : index
      %v = scf.if %in -> (i32) {
        %a = memref.load %x[%r, %i] : memref<3x64xi8>
        %w = arith.extsi %a : i8 to i32
        scf.yield %w : i32
      } else {
        scf.yield %zero : i32
      }
      %next = arith.addi %s, %v : i32
      scf.yield %next : i32
    }
    %t = arith.trunci %sum : i32 to i8
    memref.store %t, %y[%i] : memref<64xi8>
  } {lp.elementwise}
  return
}

// Not consecutive; the position as a value; too few trips; not marked: all stay.
// CHECK-LABEL: func.func @scalar(
// CHECK-NOT: vector
func.func @scalar(%x: memref<64x4xi32>, %y: memref<64xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c64 = arith.constant 64 : index
  scf.for %i = %c0 to %c64 step %c1 {
    %a = memref.load %x[%i, %c1] : memref<64x4xi32>
    memref.store %a, %y[%i] : memref<64xi32>
  } {lp.elementwise}
  scf.for %i = %c0 to %c64 step %c1 {
    %a = arith.index_cast %i : index to i32
    memref.store %a, %y[%i] : memref<64xi32>
  } {lp.elementwise}
  scf.for %i = %c0 to %c3 step %c1 {
    %a = memref.load %x[%c1, %i] : memref<64x4xi32>
    memref.store %a, %y[%i] : memref<64xi32>
  } {lp.elementwise}
  scf.for %i = %c0 to %c64 step %c1 {
    %a = memref.load %y[%i] : memref<64xi32>
    memref.store %a, %y[%i] : memref<64xi32>
  }
  return
}

// Elements in pairs: vectors of first and of second ones, side by side in memory.
// CHECK-LABEL: func.func @pairs(
// CHECK-SAME: %[[X:.*]]: memref<3x64xi8>, %[[Y:.*]]: memref<3x32x2xi8>, %[[Z:.*]]: memref<3x32x2xi8>, %[[ROW:.*]]: index
// CHECK: %[[INX:.*]] = memref.collapse_shape %[[Z]] {{.*}} : memref<3x32x2xi8> into memref<3x64xi8>
// CHECK: %[[BOTH:.*]] = vector.load %[[INX]][%[[ROW]], %{{.*}}] : memref<3x64xi8>, vector<64xi8>
// CHECK: %[[EVEN:.*]], %{{.*}} = vector.deinterleave %[[BOTH]] : vector<64xi8>
// CHECK: %[[A:.*]] = vector.load %[[X]][%[[ROW]], %{{.*}}] : memref<3x64xi8>, vector<32xi8>
// CHECK: %[[B:.*]] = arith.xori %[[EVEN]], %[[A]]
// CHECK: %[[PAIRS:.*]] = vector.interleave %[[B]], %[[A]] : vector<32xi8> -> vector<64xi8>
// CHECK: vector.store %[[PAIRS]], %{{.*}}[%[[ROW]], %{{.*}}] : memref<3x64xi8>, vector<64xi8>
// CHECK-NOT: memref.store
func.func @pairs(%x: memref<3x64xi8>, %y: memref<3x32x2xi8>, %z: memref<3x32x2xi8>, %row: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  scf.for %i = %c0 to %c32 step %c1 {
    %e = memref.load %z[%row, %i, %c0] : memref<3x32x2xi8>
    %a = memref.load %x[%row, %i] : memref<3x64xi8>
    %b = arith.xori %e, %a : i8
    memref.store %b, %y[%row, %i, %c0] : memref<3x32x2xi8>
    memref.store %a, %y[%row, %i, %c1] : memref<3x32x2xi8>
  } {lp.elementwise}
  return
}

// Half a pair, or the second element first, has no such form.
// CHECK-LABEL: func.func @half(
// CHECK-NOT: vector
// CHECK: return
func.func @half(%x: memref<64xi8>, %y: memref<32x2xi8>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  scf.for %i = %c0 to %c32 step %c1 {
    %a = memref.load %x[%i] : memref<64xi8>
    memref.store %a, %y[%i, %c0] : memref<32x2xi8>
  } {lp.elementwise}
  scf.for %i = %c0 to %c32 step %c1 {
    %a = memref.load %x[%i] : memref<64xi8>
    memref.store %a, %y[%i, %c1] : memref<32x2xi8>
    memref.store %a, %y[%i, %c0] : memref<32x2xi8>
  } {lp.elementwise}
  return
}
