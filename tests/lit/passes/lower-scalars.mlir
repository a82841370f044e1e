// Element operations of lp to arith, scf and memref.
// RUN: lpgen-opt --lp-lower-scalars --canonicalize --cse %s | FileCheck %s

// Storage is extended by the encoding.
// CHECK-LABEL: func.func @read(
// CHECK-SAME: %[[X:.*]]: memref<4xi8>, %[[I:.*]]: index
// CHECK: %[[BYTE:.*]] = memref.load %[[X]][%[[I]]]
// CHECK-DAG: arith.extui %[[BYTE]] : i8 to i32
// CHECK-DAG: arith.extsi %[[BYTE]] : i8 to i32
func.func @read(%x: memref<4xi8>, %i: index) -> (i32, i32) {
  %u = lp.read %x[%i] affine_map<(d0) -> (d0)> divisors [1] element !lp.int<unsigned, 2> : memref<4xi8> -> i32
  %b = lp.read %x[%i] affine_map<(d0) -> (d0)> divisors [1] element !lp.int<bipolar, 1> : memref<4xi8> -> i32
  return %u, %b : i32, i32
}

// Fewer bits than are stored: the range says that they do.
// CHECK-LABEL: func.func @narrow(
// CHECK: %[[WORD:.*]] = memref.load
// CHECK: arith.trunci %[[WORD]] : i32 to i16
func.func @narrow(%x: memref<4xi32>, %i: index) -> i16 {
  %v = lp.read %x[%i] affine_map<(d0) -> (d0)> divisors [1] element i32 : memref<4xi32> -> i16
  return %v : i16
}

// Outside is what no element divides or what lies past either end: one unsigned comparison.
// CHECK-LABEL: func.func @padded(
// CHECK-SAME: %[[X:.*]]: memref<?xi8>, %[[I:.*]]: index
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG: %[[PAD:.*]] = arith.constant 3 : i32
// CHECK: %[[REST:.*]] = arith.remsi %{{.*}}, %[[C2]]
// CHECK: %[[WHOLE:.*]] = arith.cmpi eq, %[[REST]], %[[C0]]
// CHECK: %[[AT:.*]] = arith.divsi %{{.*}}, %[[C2]]
// CHECK: %[[SIZE:.*]] = memref.dim %[[X]], %[[C0]]
// CHECK: %[[IN:.*]] = arith.cmpi ult, %[[AT]], %[[SIZE]]
// CHECK: %[[BOTH:.*]] = arith.andi %[[WHOLE]], %[[IN]]
// CHECK: scf.if %[[BOTH]] -> (i32)
// CHECK: memref.load %[[X]][%[[AT]]]
// CHECK: else
// CHECK: scf.yield %[[PAD]]
func.func @padded(%x: memref<?xi8>, %i: index) -> i32 {
  %v = lp.read %x[%i] affine_map<(d0) -> (d0 + 1)> divisors [2] pad 3 : i32
    element !lp.int<unsigned, 2> : memref<?xi8> -> i32
  return %v : i32
}

// Clamps, and the next odd value for bipolar elements.
// CHECK-LABEL: func.func @quantize(
// CHECK-SAME: %[[V:.*]]: i32
// CHECK-DAG: %[[LOW:.*]] = arith.constant -3 : i32
// CHECK-DAG: %[[HIGH:.*]] = arith.constant 3 : i32
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1 : i32
// CHECK: %[[A:.*]] = arith.maxsi %[[V]], %[[LOW]]
// CHECK: %[[B:.*]] = arith.minsi %[[A]], %[[HIGH]]
// CHECK: %[[C:.*]] = arith.ori %[[B]], %[[ONE]]
// CHECK: arith.trunci %[[C]] : i32 to i8
func.func @quantize(%v: i32) -> i8 {
  %q = lp.quantize %v to !lp.int<bipolar, 2> : i32 -> i8
  return %q : i8
}

// An f32 is clamped before it is converted; NaN, which no comparison keeps, is 0. The
// conversion rounds to the nearest integer, ties to even, so that no rounding stands before it.
// CHECK-LABEL: func.func @quantize_float(
// CHECK-SAME: %[[V:.*]]: f32
// CHECK-DAG: %[[ZERO:.*]] = arith.constant -0.000000e+00 : f32
// CHECK-DAG: %[[HIGH:.*]] = arith.constant 1.500000e+01 : f32
// CHECK-NOT: math.roundeven
// CHECK: %[[ABOVE:.*]] = arith.cmpf ogt, %[[V]], %[[ZERO]]
// CHECK: %[[A:.*]] = arith.select %[[ABOVE]], %[[V]], %[[ZERO]]
// CHECK: %[[BELOW:.*]] = arith.cmpf olt, %[[A]], %[[HIGH]]
// CHECK: %[[B:.*]] = arith.select %[[BELOW]], %[[A]], %[[HIGH]]
// CHECK: %[[U:.*]] = llvm.intr.lrint(%[[B]])
// CHECK: arith.trunci %[[U]] overflow<nuw> : i32 to i8
// CHECK: arith.cmpf ord, %[[V]], %[[V]]
// CHECK: %[[S:.*]] = llvm.intr.lrint(
// CHECK: arith.trunci %[[S]] overflow<nsw> : i32 to i8
func.func @quantize_float(%v: f32) -> (i8, i8) {
  %r = math.roundeven %v : f32
  %u = lp.quantize %r to !lp.int<unsigned, 4> : f32 -> i8
  %s = lp.quantize %v to !lp.int<signed, 4> : f32 -> i8
  return %u, %s : i8, i8
}

// A clamp before it that the type makes needless is left out, and one to integers around 0
// becomes the one before the conversion. Others stay, since a NaN goes through them.
// CHECK-LABEL: func.func @quantize_clamped(
// CHECK-SAME: %[[V:.*]]: f32
// CHECK-DAG: %[[SIX:.*]] = arith.constant 6.000000e+00 : f32
// CHECK-DAG: %[[TWO:.*]] = arith.constant 2.000000e+00 : f32
// CHECK-NOT: arith.maximumf
// CHECK: arith.cmpf ogt, %[[V]],
// CHECK: arith.cmpf olt, %{{.*}}, %[[SIX]]
// CHECK: llvm.intr.lrint(
// CHECK: %[[MORE:.*]] = arith.maximumf %[[V]], %[[TWO]]
// CHECK-NOT: arith.minimumf
// CHECK: arith.cmpf ogt, %[[MORE]],
func.func @quantize_clamped(%v: f32) -> (i8, i8) {
  %low = arith.constant -0.5 : f32
  %two = arith.constant 2.0 : f32
  %six = arith.constant 6.0 : f32
  %high = arith.constant 15.5 : f32
  %a = arith.maximumf %v, %low : f32
  %b = arith.minimumf %a, %six : f32
  %r = math.roundeven %b : f32
  %u = lp.quantize %r to !lp.int<unsigned, 4> : f32 -> i8
  %c = arith.maximumf %v, %two : f32
  %d = arith.minimumf %c, %high : f32
  %q = math.roundeven %d : f32
  %s = lp.quantize %q to !lp.int<unsigned, 4> : f32 -> i8
  return %u, %s : i8, i8
}

// CHECK-LABEL: func.func @requantize(
// CHECK-DAG: %[[HALF:.*]] = arith.constant 1073741824 : i64
// CHECK-DAG: %[[SCALE:.*]] = arith.constant 2147483648 : i64
// CHECK: %[[P:.*]] = arith.muli
// CHECK: arith.select %{{.*}}, %[[HALF]],
// CHECK: arith.divsi %{{.*}}, %[[SCALE]]
// CHECK: arith.shrsi
func.func @requantize(%acc: i32, %m: i32, %s: i32) -> i32 {
  %r = lp.requantize %acc, %m, %s
  return %r : i32
}

// The thresholds that a value reaches, counted in a loop over their levels.
// CHECK-LABEL: func.func @threshold(
// CHECK-SAME: %[[V:.*]]: i32, %[[T:.*]]: memref<4x3xi16>, %[[I:.*]]: index
// CHECK-DAG: %[[LEVELS:.*]] = arith.constant 3 : index
// CHECK: scf.for %[[K:.*]] = %{{.*}} to %[[LEVELS]] step %{{.*}} iter_args(%[[COUNT:.*]] = %{{.*}}) -> (i32)
// CHECK: %[[LOADED:.*]] = memref.load %[[T]][%[[I]], %[[K]]]
// CHECK: %[[LEVEL:.*]] = arith.extsi %[[LOADED]] : i16 to i32
// CHECK: %[[REACHED:.*]] = arith.cmpi sge, %[[V]], %[[LEVEL]]
// CHECK: %[[BIT:.*]] = arith.extui %[[REACHED]] : i1 to i32
// CHECK: %[[NEXT:.*]] = arith.addi %[[COUNT]], %[[BIT]]
// CHECK: scf.yield %[[NEXT]]
func.func @threshold(%v: i32, %t: memref<4x3xi16>, %i: index) -> i32 {
  %q = lp.threshold %v, %t[%i] affine_map<(d0, d1) -> (d0, d1)> levels 3
    element !lp.int<signed, 16> : i32, memref<4x3xi16>
  return %q : i32
}

// 24 random bits, scaled: exact in f32.
// CHECK-LABEL: func.func @random(
// CHECK-DAG: %[[C40:.*]] = arith.constant 40 : i64
// CHECK-DAG: %[[ULP:.*]] = arith.constant 5.96046448E-8 : f32
// CHECK: arith.shrui %{{.*}}, %[[C40]]
// CHECK: arith.mulf %{{.*}}, %[[ULP]]
func.func @random(%seed: i64, %counter: i64) -> f32 {
  %r = lp.random %seed, %counter
  return %r : f32
}

// A function is its algorithm: here the integer next to x / ln 2, by an addition.
// CHECK-LABEL: func.func @function(
// CHECK-DAG: %[[SHIFTER:.*]] = arith.constant 0x4B400000 : f32
// CHECK: %[[SHIFTED:.*]] = arith.addf %{{.*}}, %[[SHIFTER]]
// CHECK: arith.subf %[[SHIFTED]], %[[SHIFTER]]
// CHECK-NOT: math.exp
// CHECK: math.sqrt
func.func @function(%x: f32) -> (f32, f32) {
  %e = lp.function "exp" %x
  %s = lp.function "sqrt" %x
  return %e, %s : f32, f32
}

// The product is not rounded.
// CHECK-LABEL: func.func @fused(
// CHECK: scf.for %{{.*}} iter_args(%[[SUM:.*]] = %{{.*}}) -> (f32)
// CHECK: %[[NEXT:.*]] = math.fma %[[X:.*]], %[[X]], %[[SUM]]
// CHECK: scf.yield %[[NEXT]]
func.func @fused(%x: memref<3xf32>) -> f32 {
  %s = lp.reduce fma [3] : f32 {
  ^bb0(%k: index):
    %v = lp.read %x[%k] affine_map<(d0) -> (d0)> divisors [1] : memref<3xf32> -> f32
    lp.yield %v, %v : f32, f32
  }
  return %s : f32
}

// The best term and its index; nothing replaces a NaN.
// CHECK-LABEL: func.func @index_of(
// CHECK: %[[LOOP:.*]]:2 = scf.for %[[K:.*]] = %{{.*}} iter_args(%[[BEST:.*]] = %{{.*}}, %[[AT:.*]] = %{{.*}}) -> (f32, i32)
// CHECK-DAG: %[[LESS:.*]] = arith.cmpf ult, %[[V:.*]], %[[BEST]]
// CHECK-DAG: %[[ORDERED:.*]] = arith.cmpf ord, %[[BEST]], %[[BEST]]
// CHECK: %[[BETTER:.*]] = arith.andi %[[LESS]], %[[ORDERED]]
// CHECK: %[[HERE:.*]] = arith.index_cast %[[K]] : index to i32
// CHECK-DAG: arith.select %[[BETTER]], %[[V]], %[[BEST]]
// CHECK-DAG: arith.select %[[BETTER]], %[[HERE]], %[[AT]]
// CHECK: return %[[LOOP]]#1
func.func @index_of(%x: memref<3xf32>) -> i32 {
  %i = lp.reduce argmin [3] : i32 {
  ^bb0(%k: index):
    %v = lp.read %x[%k] affine_map<(d0) -> (d0)> divisors [1] : memref<3xf32> -> f32
    lp.yield %v : f32
  }
  return %i : i32
}

// Nested loops in row-major order that carry the partial result.
// CHECK-LABEL: func.func @reduce(
// CHECK-DAG: %[[LEAST:.*]] = arith.constant -2147483648 : i32
// CHECK: %[[OUTER:.*]] = scf.for %{{.*}} iter_args(%[[A:.*]] = %[[LEAST]]) -> (i32)
// CHECK: %[[INNER:.*]] = scf.for %{{.*}} iter_args(%[[B:.*]] = %[[A]]) -> (i32)
// CHECK: %[[V:.*]] = arith.extui
// CHECK: %[[MAX:.*]] = arith.maxsi %[[B]], %[[V]]
// CHECK: scf.yield %[[MAX]]
// CHECK: scf.yield %[[INNER]]
// CHECK: return %[[OUTER]]
func.func @reduce(%x: memref<2x3xi8>) -> i32 {
  %m = lp.reduce max [2, 3] : i32 {
  ^bb0(%i: index, %j: index):
    %v = lp.read %x[%i, %j] affine_map<(d0, d1) -> (d0, d1)> divisors [1, 1]
      element !lp.int<unsigned, 2> : memref<2x3xi8> -> i32
    lp.yield %v : i32
  }
  return %m : i32
}
