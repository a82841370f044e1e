// A register tile to vector code: accumulators in registers for as many steps as the cell's
// bound allows, then widened and added to the tile in memory.
// RUN: lpgen-opt --lp-expand-tile --canonicalize --cse --split-input-file --verify-diagnostics %s | FileCheck %s

module {

lp.kernel @k for <"generic"> sizes [] buffers [] attributes {phases = [], scratch = 0 : i64, workspace = 0 : i64}

// Twelve steps fit the bound of 31: nothing but the tile is carried, two steps a trip.
// CHECK-LABEL: func.func @one_chunk(
// CHECK-SAME: %[[X:[a-z0-9]*]]: memref<64xi8>, %[[W:[a-z0-9]*]]: memref<256xi8>, %[[ACC:[a-z0-9]*]]: memref<2x16xi32>
// CHECK: %[[END:.*]] = arith.constant 12 : index
// CHECK: %[[SUMS:.*]]:2 = scf.for %{{.*}} to %[[END]] step %{{.*}} iter_args(%{{.*}}, %{{.*}}) -> (vector<16xi8>, vector<16xi8>)
// CHECK-COUNT-4: math.ctpop
// CHECK-NOT: math.ctpop
// CHECK: scf.yield
// CHECK: vector.extract_strided_slice %[[SUMS]]#0
// CHECK: arith.extui %{{.*}} : vector<4xi8> to vector<4xi32>
// CHECK: vector.store %{{.*}}, %[[ACC]]
// CHECK-NOT: lp.tile
func.func @one_chunk(%x: memref<64xi8>, %w: memref<256xi8>, %acc: memref<2x16xi32>) {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  lp.tile "ctpop" %x[%c0, %c32], %w[%c0] into %acc attributes {chunk = 31 : i64,
    counts = array<i64: 12>, strides = array<i64: 1>, wSteps = array<i64: 1>, unroll = 2 : i64, vectors = 1 : i64,
    xPlanes = array<i64: 1>, wPlanes = array<i64: 1>, xPlaneStride = 64 : i64,
    wPlaneStride = 96 : i64} : memref<64xi8>, memref<256xi8>, memref<2x16xi32>
  return
}

// Eight steps or fewer need no loop.
// CHECK-LABEL: func.func @few_steps(
// CHECK-NOT: scf.for
// CHECK-COUNT-8: math.ctpop
// CHECK-NOT: math.ctpop
// CHECK: return
func.func @few_steps(%x: memref<64xi8>, %w: memref<256xi8>, %acc: memref<1x16xi32>) {
  %c0 = arith.constant 0 : index
  lp.tile "ctpop" %x[%c0], %w[%c0] into %acc attributes {chunk = 31 : i64,
    counts = array<i64: 8>, strides = array<i64: 1>, wSteps = array<i64: 1>, unroll = 2 : i64, vectors = 1 : i64,
    xPlanes = array<i64: 1>, wPlanes = array<i64: 1>, xPlaneStride = 64 : i64,
    wPlaneStride = 128 : i64} : memref<64xi8>, memref<256xi8>, memref<1x16xi32>
  return
}

// Forty steps do not: two strips of twenty, each widened and added to the tile.
// CHECK-LABEL: func.func @strips(
// CHECK-DAG: %[[STRIP:.*]] = arith.constant 20 : index
// CHECK-DAG: %[[ALL:.*]] = arith.constant 40 : index
// CHECK: scf.for %{{.*}} = %{{.*}} to %[[ALL]] step %[[STRIP]] {
// CHECK: scf.for {{.*}} iter_args(
// CHECK: math.ctpop
// CHECK: %[[BEFORE:.*]] = vector.load %[[ACC:.*]][
// CHECK: %[[AFTER:.*]] = arith.addi %[[BEFORE]],
// CHECK: vector.store %[[AFTER]], %[[ACC]]
func.func @strips(%x: memref<64xi8>, %w: memref<1024xi8>, %acc: memref<1x16xi32>) {
  %c0 = arith.constant 0 : index
  lp.tile "ctpop" %x[%c0], %w[%c0] into %acc attributes {chunk = 31 : i64,
    counts = array<i64: 40>, strides = array<i64: 1>, wSteps = array<i64: 1>, unroll = 1 : i64, vectors = 1 : i64,
    xPlanes = array<i64: 1>, wPlanes = array<i64: 1>, xPlaneStride = 64 : i64,
    wPlaneStride = 640 : i64} : memref<64xi8>, memref<1024xi8>, memref<1x16xi32>
  return
}

// Two planes of x, and two's complement planes of w, the top one of weight -2.
// CHECK-LABEL: func.func @planes(
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1 : i32
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : i32
// CHECK: scf.for %[[I:.*]] =
// CHECK: scf.for %[[J:.*]] =
// CHECK: arith.shli %[[ONE]],
// CHECK: %[[TOP:.*]] = arith.cmpi eq, %[[I]],
// CHECK: arith.subi %[[ZERO]],
// CHECK: arith.select %[[TOP]],
// CHECK: arith.shli %[[ONE]],
// CHECK: %[[WEIGHT:.*]] = arith.muli
// CHECK: math.ctpop
// CHECK: vector.broadcast %[[WEIGHT]]
// CHECK: arith.muli {{.*}} : vector<4xi32>
// CHECK: arith.addi {{.*}} : vector<4xi32>
func.func @planes(%x: memref<64xi8>, %w: memref<256xi8>, %acc: memref<1x16xi32>) {
  %c0 = arith.constant 0 : index
  lp.tile "ctpop" %x[%c0], %w[%c0] into %acc attributes {chunk = 31 : i64,
    counts = array<i64: 4>, strides = array<i64: 1>, wSteps = array<i64: 1>, unroll = 1 : i64, vectors = 1 : i64,
    xPlanes = array<i64: 1, 2>, wPlanes = array<i64: 1, -2>, xPlaneStride = 32 : i64,
    wPlaneStride = 64 : i64} : memref<64xi8>, memref<256xi8>, memref<1x16xi32>
  return
}
}

// -----

module {

lp.kernel @k for <"x86_avx2"> sizes [] buffers [] attributes {phases = [], scratch = 0 : i64, workspace = 0 : i64}

// In a tile of several rows planes of w are side by side: x is read once for both,
// and the sums of the second one count -2 times.
// CHECK-LABEL: func.func @planes_of_w(
// CHECK-DAG: %[[TOP:.*]] = arith.constant dense<-2> : vector<8xi32>
// CHECK-DAG: %[[PLANE:.*]] = arith.constant 64 : index
// CHECK: vector.load %arg1[%c0]
// CHECK-NEXT: vector.load %arg1[%[[PLANE]]]
// CHECK: vector.load %arg0[%c0]
// CHECK-COUNT-2: pshuf.b
// CHECK: vector.load %arg0[%[[PLANE]]]
// CHECK-COUNT-2: pshuf.b
// CHECK-NOT: {{pshuf.b|muli}}
// CHECK-COUNT-4: vector.store %{{.*}}, %arg2[%c0, %{{.*}}] : memref<2x32xi32>, vector<8xi32>
// CHECK-COUNT-4: arith.muli %{{.*}}, %[[TOP]]
// CHECK-NOT: arith.muli
// CHECK: vector.store %{{.*}}, %arg2[%c1, %{{.*}}]
// CHECK-COUNT-4: arith.muli %{{.*}}, %[[TOP]]
// CHECK-NOT: arith.muli
// CHECK: return
func.func @planes_of_w(%x: memref<128xi8>, %w: memref<256xi8>, %acc: memref<2x32xi32>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  lp.tile "tables41" %x[%c0, %c64], %w[%c0] into %acc attributes {chunk = 4 : i64,
    counts = array<i64: 1>, strides = array<i64: 16>, wSteps = array<i64: 1>, unroll = 1 : i64, vectors = 1 : i64,
    xPlanes = array<i64: 1>, wPlanes = array<i64: 1, -2>, xPlaneStride = 64 : i64,
    wPlaneStride = 64 : i64} : memref<128xi8>, memref<256xi8>, memref<2x32xi32>
  return
}

// Each line of 64 bytes of w is fetched once, as far ahead as the schedule says.
// CHECK-LABEL: func.func @fetched(
// CHECK-DAG: %[[FIRST:.*]] = arith.constant 2560 : index
// CHECK-DAG: %[[SECOND:.*]] = arith.constant 2624 : index
// CHECK: memref.prefetch %{{.*}}[%[[FIRST]]], read, locality<1>, data
// CHECK: memref.prefetch %{{.*}}[%[[SECOND]]], read, locality<1>, data
// CHECK-NOT: memref.prefetch
// CHECK: return
func.func @fetched(%x: memref<8xi8>, %w: memref<128xi8>, %acc: memref<1x32xi32>) {
  %c0 = arith.constant 0 : index
  lp.tile "maddubs16w4" %x[%c0], %w[%c0] into %acc attributes {chunk = 4 : i64,
    counts = array<i64: 1>, strides = array<i64: 8>, wSteps = array<i64: 1>, unroll = 1 : i64, vectors = 4 : i64,
    xPlanes = array<i64>, wPlanes = array<i64>, xPlaneStride = 8 : i64,
    wPlaneStride = 128 : i64, prefetch = 2560 : i64} : memref<8xi8>, memref<128xi8>, memref<1x32xi32>
  return
}

// CHECK-LABEL: func.func @not_fetched(
// CHECK-NOT: memref.prefetch
// CHECK: return
func.func @not_fetched(%x: memref<8xi8>, %w: memref<128xi8>, %acc: memref<1x32xi32>) {
  %c0 = arith.constant 0 : index
  lp.tile "maddubs16w4" %x[%c0], %w[%c0] into %acc attributes {chunk = 4 : i64,
    counts = array<i64: 1>, strides = array<i64: 8>, wSteps = array<i64: 1>, unroll = 1 : i64, vectors = 4 : i64,
    xPlanes = array<i64>, wPlanes = array<i64>, xPlaneStride = 8 : i64,
    wPlaneStride = 128 : i64} : memref<8xi8>, memref<128xi8>, memref<1x32xi32>
  return
}

// Sums of 64 bits: the lanes are extended, then added to the tile.
// CHECK-LABEL: func.func @long_sums(
// CHECK: arith.extsi %{{.*}} : vector<8xi32> to vector<8xi64>
// CHECK: arith.addi {{.*}} : vector<8xi64>
// CHECK: vector.store %{{.*}} : memref<2x8xi64>, vector<8xi64>
func.func @long_sums(%x: memref<16xi8>, %w: memref<64xi8>, %acc: memref<2x8xi64>) {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  lp.tile "maddw" %x[%c0, %c8], %w[%c0] into %acc attributes {accumulate, chunk = 1 : i64,
    counts = array<i64: 2>, strides = array<i64: 4>, wSteps = array<i64: 1>, unroll = 1 : i64, vectors = 1 : i64,
    xPlanes = array<i64>, wPlanes = array<i64>, xPlaneStride = 16 : i64,
    wPlaneStride = 64 : i64} : memref<16xi8>, memref<64xi8>, memref<2x8xi64>
  return
}

// Sums of f32 start from the tile, step by step in the order of the loops, and replace it.
// CHECK-LABEL: func.func @floats(
// CHECK: %[[FIRST:.*]] = vector.load %arg2[%c0, %c0] : memref<1x8xf32>, vector<8xf32>
// CHECK: scf.for {{.*}} iter_args(%[[SUM:.*]] = %[[FIRST]]) -> (vector<8xf32>)
// CHECK: %[[ONE:.*]] = math.fma %{{.*}}, %{{.*}}, %[[SUM]] : vector<8xf32>
// CHECK: %[[TWO:.*]] = math.fma %{{.*}}, %{{.*}}, %[[ONE]] : vector<8xf32>
// CHECK: scf.yield %[[TWO]]
// CHECK-NOT: {{addf|vector.load}}
// CHECK: vector.store %{{.*}}, %arg2
// CHECK: return
func.func @floats(%x: memref<64xi8>, %w: memref<512xi8>, %acc: memref<1x8xf32>) {
  %c0 = arith.constant 0 : index
  lp.tile "fma" %x[%c0], %w[%c0] into %acc attributes {accumulate, chunk = 3 : i64,
    counts = array<i64: 16>, strides = array<i64: 4>, wSteps = array<i64: 1>, unroll = 2 : i64, vectors = 1 : i64,
    xPlanes = array<i64>, wPlanes = array<i64>, xPlaneStride = 64 : i64,
    wPlaneStride = 512 : i64} : memref<64xi8>, memref<512xi8>, memref<1x8xf32>
  return
}
}

// -----

module {

lp.kernel @k for <"generic"> sizes [] buffers [] attributes {phases = [], scratch = 0 : i64, workspace = 0 : i64}
func.func @no_such_cell(%x: memref<64xi8>, %w: memref<256xi8>, %acc: memref<1x16xi32>) {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{the target has no cell 'maddw'}}
  lp.tile "maddw" %x[%c0], %w[%c0] into %acc attributes {chunk = 31 : i64,
    counts = array<i64: 6>, strides = array<i64: 1>, wSteps = array<i64: 1>, unroll = 2 : i64, vectors = 1 : i64,
    xPlanes = array<i64>, wPlanes = array<i64>, xPlaneStride = 64 : i64,
    wPlaneStride = 96 : i64} : memref<64xi8>, memref<256xi8>, memref<1x16xi32>
  return
}
}

// -----

module {

lp.kernel @k for <"x86_avx2"> sizes [] buffers [] attributes {phases = [], scratch = 0 : i64, workspace = 0 : i64}
func.func @floats_into_integers(%x: memref<64xi8>, %w: memref<512xi8>, %acc: memref<1x8xi32>) {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{has sums of 'i32', which cell 'fma' does not make}}
  lp.tile "fma" %x[%c0], %w[%c0] into %acc attributes {accumulate, chunk = 3 : i64,
    counts = array<i64: 16>, strides = array<i64: 4>, wSteps = array<i64: 1>, unroll = 2 : i64, vectors = 1 : i64,
    xPlanes = array<i64>, wPlanes = array<i64>, xPlaneStride = 64 : i64,
    wPlaneStride = 512 : i64} : memref<64xi8>, memref<512xi8>, memref<1x8xi32>
  return
}
}
