// Phases of independent tasks: packing, loops around register tiles with their epilogue,
// elementwise statements.
// RUN: lpgen-opt --lp-tile --canonicalize --cse %s | FileCheck %s

// Phase 0 packs x. All rows are one task, the last loop of the positions.
// CHECK-LABEL: func.func @gemm.tasks0() -> index
// CHECK: %[[ONE:.*]] = arith.constant 1 : index
// CHECK: return %[[ONE]]
// CHECK-LABEL: func.func @gemm.phase0(
// CHECK-SAME: %[[BEGIN:[a-z0-9]*]]: index, %[[END:[a-z0-9]*]]: index
// CHECK-DAG: %[[C5:.*]] = arith.constant 5 : index
// CHECK: scf.for %{{.*}} = %[[BEGIN]] to %[[END]]
// CHECK: scf.for %[[ROW:.*]] = %{{.*}} to %[[C5]]
// CHECK: lp.read %{{.*}}[%[[ROW]], %{{.*}}]
// CHECK: memref.store
// CHECK-NOT: lp.pack

// Phase 1: a panel of 16 columns, of which 3 exist; 5 rows are two tiles of 2 and one of 1.
// Two bytes of 8 bits are the reduction of 9; both planes of x count.
// CHECK-LABEL: func.func @gemm.phase1(
// CHECK-SAME: %[[X:[a-z0-9]*]]: memref<192xi8>, %[[SCRATCH:[a-z0-9]*]]: memref<[[$BYTES:[0-9]+]]xi8>
// CHECK: scf.for
// CHECK: scf.for
// CHECK: %[[ACC:.*]] = memref.view %[[SCRATCH]]{{.*}} to memref<2x16xi32>
// CHECK: lp.tile "ctpop" %[[X]][%{{.*}}, %{{.*}}], %{{.*}}[%{{.*}}] into %[[ACC]]
// CHECK-SAME: counts = array<i64: 2>
// CHECK-SAME: xPlanes = array<i64: 1, 2>
// CHECK: lp.tile "ctpop" %[[X]][%{{[^,]*}}], %{{.*}} into
// Then the sums of all rows of the task, a block of 4 tiles, go through the body.
// CHECK: %[[SUMS:.*]] = memref.view %[[SCRATCH]]{{.*}} to memref<8x16xi32>
// CHECK: %[[SUM:.*]] = memref.load %[[SUMS]]
// CHECK: %[[SHIFTED:.*]] = arith.shrsi %[[SUM]],
// CHECK: memref.store %[[SHIFTED]], %{{.*}} : memref<5x3xi32>
// CHECK-NOT: lp.contract
// CHECK: lp.kernel @gemm
// CHECK-SAME: phases = [#lp.phase<pack, run = @gemm.phase0, tasks = @gemm.tasks0, takes = [0, 3]>, #lp.phase<contract, run = @gemm.phase1, tasks = @gemm.tasks1, takes = [1, 2, 3]>]
// CHECK-SAME: scratch = [[$BYTES]] : i64
// CHECK-NOT: ^bb0
lp.kernel @gemm for <"generic"> sizes [] buffers [
    #lp.buffer<"x", input, !lp.int<unsigned, 2>, [5, 9], range = [0, 3]>,
    #lp.buffer<"w", input, !lp.int<unsigned, 1>, [3, 9], range = [0, 1] packed = <256,
      <weights, digits, group = 8, bytes = 1, bits = 1, planes = 1, lanes = 16, offset = 0, halve = false, signed = false, sums = false>,
      packer = @gemm.pack.w>>,
    #lp.buffer<"y", output, i32, [5, 3], range = [0, 27]>] attributes {workspace = 192 : i64} {
^bb0(%x: memref<5x9xi8>, %w: memref<256xi8>, %y: memref<5x3xi32>, %work: memref<192xi8>):
  %c1 = arith.constant 1 : i32
  lp.pack %x : memref<5x9xi8> into %work : memref<192xi8>
    <activations, digits, group = 8, bytes = 1, bits = 1, planes = 2, lanes = 1, offset = 0, halve = false, signed = false, sums = false>
    loops [5, 3, 9] parallel 2 attributes {element = !lp.int<unsigned, 2>,
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xShape = array<i64: 5, 9>, wShape = array<i64: 3, 9>}
  lp.contract ins(%work, %w : memref<192xi8>, memref<256xi8>) loops [5, 3, 9] parallel 2
    outs(%y : memref<5x3xi32>) attributes {
      schedule = #lp.schedule<"bitserial", cell = "ctpop", tile = [2, 1], unroll = 2, block = 4>,
      xLayout = #lp.layout<activations, digits, group = 8, bytes = 1, bits = 1, planes = 2, lanes = 1, offset = 0, halve = false, signed = false, sums = false>,
      wLayout = #lp.layout<weights, digits, group = 8, bytes = 1, bits = 1, planes = 1, lanes = 16, offset = 0, halve = false, signed = false, sums = false>,
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xDivisors = array<i64: 1, 1>, xElement = !lp.int<unsigned, 2>, wElement = !lp.int<unsigned, 1>,
      xRange = array<i64: 0, 3>, wRange = array<i64: 0, 1>,
      xShape = array<i64: 5, 9>, wShape = array<i64: 3, 9>} {
  ^bb0(%i: index, %j: index, %acc: i32):
    %h = arith.shrsi %acc, %c1 : i32
    lp.yield %h : i32
  }
}

// What the caller uses to pack w has no tasks of its own: one loop over panels.
// CHECK-LABEL: func.func @gemm.pack.w(
// CHECK: lp.read
// CHECK-NOT: lp.pack
func.func @gemm.pack.w(%w: memref<3x9xi8>, %to: memref<256xi8>) {
  lp.pack %w : memref<3x9xi8> into %to : memref<256xi8>
    <weights, digits, group = 8, bytes = 1, bits = 1, planes = 1, lanes = 16, offset = 0, halve = false, signed = false, sums = false>
    loops [5, 3, 9] parallel 2 attributes {element = !lp.int<unsigned, 1>,
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xShape = array<i64: 5, 9>, wShape = array<i64: 3, 9>}
  return
}

// An elementwise statement: a task is a row; as many as the run-time size says.
// CHECK-LABEL: func.func @double.tasks0(
// CHECK-SAME: %[[M:.*]]: index) -> index
// CHECK-NEXT: return %[[M]]
// CHECK-LABEL: func.func @double.phase0(
// CHECK: scf.for %[[I:.*]] =
// CHECK: scf.for %[[J:.*]] =
// CHECK: %[[V:.*]] = lp.read %{{.*}}[%[[I]], %[[J]]]
// CHECK: %[[D:.*]] = arith.addi %[[V]], %[[V]]
// CHECK: memref.store %[[D]], %{{.*}}[%[[I]], %[[J]]]
lp.kernel @double for <"generic"> sizes [#lp.size<"m", bound = 6>] buffers [
    #lp.buffer<"x", input, !lp.int<signed, 4>, [?0, 4], range = [-8, 7]>,
    #lp.buffer<"y", output, i32, [?0, 4], range = [-16, 14]>] attributes {workspace = 0 : i64} {
^bb0(%m: index, %x: memref<?x4xi8>, %y: memref<?x4xi32>, %work: memref<0xi8>):
  lp.compute [-9223372036854775808, 4] dynamic(%m) outs(%y : memref<?x4xi32>) {
  ^bb0(%i: index, %j: index):
    %v = lp.read %x[%i, %j] affine_map<(d0, d1) -> (d0, d1)> divisors [1, 1]
      element !lp.int<signed, 4> : memref<?x4xi8> -> i32
    %d = arith.addi %v, %v : i32
    lp.yield %d : i32
  }
}

// A contraction of schedule `direct` is the sum as written.
// CHECK-LABEL: func.func @dot.phase0(
// CHECK: lp.reduce sum [9] : i32
// CHECK: arith.muli
lp.kernel @dot for <"generic"> sizes [] buffers [
    #lp.buffer<"x", input, !lp.int<unsigned, 2>, [5, 9], range = [0, 3]>,
    #lp.buffer<"w", input, !lp.int<unsigned, 1>, [9], range = [0, 1]>,
    #lp.buffer<"y", output, i32, [5], range = [0, 27]>] attributes {workspace = 0 : i64} {
^bb0(%x: memref<5x9xi8>, %w: memref<9xi8>, %y: memref<5xi32>, %work: memref<0xi8>):
  lp.contract ins(%x, %w : memref<5x9xi8>, memref<9xi8>) loops [5, 9] parallel 1
    outs(%y : memref<5xi32>) attributes {
      schedule = #lp.schedule<"direct", cell = "", tile = [1, 1], unroll = 1, block = 1>,
      xMap = affine_map<(m, k) -> (m, k)>, wMap = affine_map<(m, k) -> (k)>,
      xDivisors = array<i64: 1, 1>, xElement = !lp.int<unsigned, 2>, wElement = !lp.int<unsigned, 1>,
      xRange = array<i64: 0, 3>, wRange = array<i64: 0, 1>,
      xShape = array<i64: 5, 9>, wShape = array<i64: 9>} {
  ^bb0(%i: index, %acc: i32):
    lp.yield %acc : i32
  }
}
