// What the verifiers prove of sizes and subscripts: no kernel leaves its buffers.
// RUN: lpgen-opt %s --split-input-file --verify-diagnostics

// read_c5
func.func @read_c5(%x: tensor<4x!lp.int<unsigned, 2>>) -> tensor<4xi32> {
  %y = lp.compute [4] -> tensor<4xi32> {
  ^bb0(%i: index):
    // expected-error @+1 {{cannot read 'f32' as '!lp.int<unsigned, 2>' from 'tensor<4x!lp.int<unsigned, 2>>'}}
    %v = lp.read %x[%i] affine_map<(i) -> (i)> divisors [1] : tensor<4x!lp.int<unsigned, 2>> -> f32
    %c = arith.constant 1 : i32
    lp.yield %c : i32
  }
  return %y : tensor<4xi32>
}

// -----

// read_c6
func.func @read_c6(%x: tensor<4x!lp.int<unsigned, 2>>) -> tensor<4xi32> {
  %y = lp.compute [4] -> tensor<4xi32> {
  ^bb0(%i: index):
    // expected-error @+1 {{has a padding of type 'i64'}}
    %v = lp.read %x[%i] affine_map<(i) -> (i - 1)> divisors [1] pad 0 : i64 : tensor<4x!lp.int<unsigned, 2>> -> i32
    %c = arith.constant 1 : i32
    lp.yield %c : i32
  }
  return %y : tensor<4xi32>
}

// -----

// read_c7
func.func @read_c7(%x: tensor<4x!lp.int<unsigned, 2>>) -> tensor<4xi32> {
  %y = lp.compute [4] -> tensor<4xi32> {
  ^bb0(%i: index):
    // expected-error @+1 {{subscripts are sums of multiples of indices and a constant}}
    %v = lp.read %x[%i] affine_map<(i) -> (i mod 2)> divisors [1] : tensor<4x!lp.int<unsigned, 2>> -> i32
    %c = arith.constant 1 : i32
    lp.yield %c : i32
  }
  return %y : tensor<4xi32>
}

// -----

// read_c8: the loop is longer than the dimension
func.func @read_c8(%x: tensor<8x!lp.int<unsigned, 2>>) -> tensor<100xi32> {
  %y = lp.compute [100] -> tensor<100xi32> {
  ^bb0(%i: index):
    // expected-error @+1 {{reads outside: the subscript of dimension 0 goes from 0 to 99, but its size is 8}}
    %v = lp.read %x[%i] affine_map<(i) -> (i)> divisors [1] : tensor<8x!lp.int<unsigned, 2>> -> i32
    %c = arith.constant 1 : i32
    lp.yield %c : i32
  }
  return %y : tensor<100xi32>
}

// -----

// read_c8: a constant leads before the first element
func.func @read_c8_before(%x: tensor<4x!lp.int<unsigned, 2>>) -> tensor<4xi32> {
  %y = lp.compute [4] -> tensor<4xi32> {
  ^bb0(%i: index):
    // expected-error @+1 {{reads outside: the subscript of dimension 0 goes from -1 to 2, but its size is 4}}
    %v = lp.read %x[%i] affine_map<(i) -> (i - 1)> divisors [1] : tensor<4x!lp.int<unsigned, 2>> -> i32
    %c = arith.constant 1 : i32
    lp.yield %c : i32
  }
  return %y : tensor<4xi32>
}

// -----

// read_c8: a reduction up to an index goes as far as that in the end
func.func @read_c8_up_to(%x: tensor<4xi32>) -> tensor<5xi32> {
  %y = lp.compute [5] -> tensor<5xi32> {
  ^bb0(%i: index):
    %one = arith.constant 1 : index
    %end = arith.addi %i, %one : index
    %s = lp.reduce sum [-9223372036854775808] dynamic(%end) : i32 {
    ^bb0(%k: index):
      // expected-error @+1 {{reads outside: the subscript of dimension 0 goes from 0 to 4, but its size is 4}}
      %v = lp.read %x[%k] affine_map<(d0) -> (d0)> divisors [1] : tensor<4xi32> -> i32
      lp.yield %v : i32
    }
    lp.yield %s : i32
  }
  return %y : tensor<5xi32>
}

// -----

// read_c8: nothing is known of another number
func.func @read_c8_beyond(%x: tensor<4xi32>) -> tensor<4xi32> {
  %y = lp.compute [4] -> tensor<4xi32> {
  ^bb0(%i: index):
    %two = arith.constant 2 : index
    %end = arith.addi %i, %two : index
    %s = lp.reduce sum [-9223372036854775808] dynamic(%end) : i32 {
    ^bb0(%k: index):
      // expected-error @+1 {{reads outside: the subscript of dimension 0 has no known bounds}}
      %v = lp.read %x[%k] affine_map<(d0) -> (d0)> divisors [1] : tensor<4xi32> -> i32
      lp.yield %v : i32
    }
    lp.yield %s : i32
  }
  return %y : tensor<4xi32>
}

// -----

// read_c8: numbers that leave 64 bits
func.func @read_c8_wide(%x: tensor<4x!lp.int<unsigned, 2>>) -> tensor<4xi32> {
  %y = lp.compute [4] -> tensor<4xi32> {
  ^bb0(%i: index):
    // expected-error @+1 {{reads outside: the subscript of dimension 0 goes from 0 to more than 2^63, but its size is 4}}
    %v = lp.read %x[%i] affine_map<(i) -> (i * 4611686018427387904)> divisors [1] : tensor<4x!lp.int<unsigned, 2>> -> i32
    %c = arith.constant 1 : i32
    lp.yield %c : i32
  }
  return %y : tensor<4xi32>
}

// -----

// read_c8
func.func @read_c8_divisor(%x: tensor<4x!lp.int<unsigned, 2>>) -> tensor<4xi32> {
  %y = lp.compute [4] -> tensor<4xi32> {
  ^bb0(%i: index):
    // expected-error @+1 {{has divisors, which need a padding}}
    %v = lp.read %x[%i] affine_map<(i) -> (i)> divisors [2] : tensor<4x!lp.int<unsigned, 2>> -> i32
    %c = arith.constant 1 : i32
    lp.yield %c : i32
  }
  return %y : tensor<4xi32>
}

// -----

// read_c8: data is no proof
func.func @read_c8_data(%x: tensor<4xi32>, %t: tensor<16xi32>) -> tensor<4xi32> {
  %y = lp.compute [4] -> tensor<4xi32> {
  ^bb0(%i: index):
    %v = lp.read %x[%i] affine_map<(i) -> (i)> divisors [1] : tensor<4xi32> -> i32
    %j = arith.index_cast %v : i32 to index
    // expected-error @+1 {{reads outside: the subscript of dimension 0 goes from -2147483648 to 2147483647, but its size is 16}}
    %e = lp.read %t[%j] affine_map<(i) -> (i)> divisors [1] : tensor<16xi32> -> i32
    lp.yield %e : i32
  }
  return %y : tensor<4xi32>
}

// -----

// read_c8: a type or a clamp is
func.func @proofs(%x: tensor<4x!lp.int<unsigned, 4>>, %t: tensor<16xi32>) -> tensor<4xi32> {
  %y = lp.compute [4] -> tensor<4xi32> {
  ^bb0(%i: index):
    %v = lp.read %x[%i] affine_map<(i) -> (i)> divisors [1] : tensor<4x!lp.int<unsigned, 4>> -> i32
    %j = arith.index_cast %v : i32 to index
    %e = lp.read %t[%j] affine_map<(i) -> (i)> divisors [1] : tensor<16xi32> -> i32
    %c0 = arith.constant 0 : i32
    %c15 = arith.constant 15 : i32
    %low = arith.maxsi %e, %c0 : i32
    %high = arith.minsi %low, %c15 : i32
    %k = arith.index_cast %high : i32 to index
    %f = lp.read %t[%k] affine_map<(i) -> (i)> divisors [1] : tensor<16xi32> -> i32
    lp.yield %f : i32
  }
  return %y : tensor<4xi32>
}

// -----

// read_c8: a run-time dimension needs a loop over all of it
lp.kernel @dynamic for <"generic"> sizes [#lp.size<"n", bound = 6>, #lp.size<"m", bound = 6>] buffers [
    #lp.buffer<"x", input, i32, [?0], range = [0, 3]>,
    #lp.buffer<"y", output, i32, [?1], range = [0, 3]>] {
^bb0(%n: index, %m: index, %x: tensor<?xi32>):
  %y = lp.compute [-9223372036854775808] dynamic(%m) -> tensor<?xi32> {
  ^bb0(%i: index):
    // expected-error @+1 {{reads outside: dimension 0 has a run-time size, and its subscript is neither a loop over all of it nor proved to be inside}}
    %v = lp.read %x[%i] affine_map<(i) -> (i)> divisors [1] : tensor<?xi32> -> i32
    lp.yield %v : i32
  }
  lp.yield %y : tensor<?xi32>
}

// -----

// quantize_c2
func.func @quantize_c2(%v: i32) -> f32 {
  // expected-error @+1 {{expected an integer element, or f16 or bf16 for an f32, found 'f32'}}
  %q = lp.quantize %v to f32 : i32 -> f32
  return %q : f32
}

// -----

// quantize_c3
func.func @quantize_c3(%v: i16) -> i16 {
  // expected-error @+1 {{clamps 'i16' to '!lp.int<unsigned, 16>', which is wider}}
  %q = lp.quantize %v to !lp.int<unsigned, 16> : i16 -> i16
  return %q : i16
}

// -----

// threshold_c3
func.func @threshold_c3(%v: f32, %t: tensor<3xi32>) -> i32 {
  // expected-error @+1 {{cannot compare 'f32' with elements of 'tensor<3xi32>'}}
  %q = lp.threshold %v, %t[] affine_map<(k) -> (k)> levels 3 : f32, tensor<3xi32>
  return %q : i32
}

// -----

// threshold_c4
func.func @threshold_c4(%v: i32, %t: tensor<3xi32>) -> i32 {
  // expected-error @+1 {{reads outside: the subscript of dimension 0 goes from 0 to 3, but its size is 3}}
  %q = lp.threshold %v, %t[] affine_map<(k) -> (k)> levels 4 : i32, tensor<3xi32>
  return %q : i32
}

// -----

// reduce_c3
func.func @reduce_c3(%v: i32) -> i32 {
  // expected-error @+1 {{extents go from 1 to 2^40, found 0}}
  %r = lp.reduce sum [0] : i32 {
  ^bb0(%k0: index):
    lp.yield %v : i32
  }
  return %r : i32
}

// -----

// reduce_c3
func.func @reduce_c3_product(%v: i32) -> i32 {
  // expected-error @+1 {{has more than 2^62 points}}
  %r = lp.reduce sum [1099511627776, 1099511627776] : i32 {
  ^bb0(%k0: index, %k1: index):
    lp.yield %v : i32
  }
  return %r : i32
}

// -----

// reduce_c4
func.func @reduce_c4(%m: memref<4xi32>, %v: i32) -> i32 {
  // expected-error @+1 {{computes scalars, found 'memref.store'}}
  %r = lp.reduce sum [4] : i32 {
  ^bb0(%k: index):
    // expected-note @+1 {{it stands here}}
    memref.store %v, %m[%k] : memref<4xi32>
    lp.yield %v : i32
  }
  return %r : i32
}

// -----

// compute_c2
func.func @compute_c2(%v: i32) -> tensor<5xi32> {
  // expected-error @+1 {{writes 'tensor<5xi32>', but loop 0 has another extent}}
  %y = lp.compute [4] -> tensor<5xi32> {
  ^bb0(%i: index):
    lp.yield %v : i32
  }
  return %y : tensor<5xi32>
}

// -----

// compute_c2
func.func @compute_c2_two(%v: i32) -> tensor<4xi32> {
  // expected-error @+1 {{has one result or output, found 2}}
  %y:2 = lp.compute [4] -> tensor<4xi32>, tensor<4xi32> {
  ^bb0(%i: index):
    lp.yield %v, %v : i32, i32
  }
  return %y#0 : tensor<4xi32>
}

// -----

// compute_c4
func.func @compute_c4(%v: i32) -> tensor<1099511627777xi32> {
  // expected-error @+1 {{extents go from 1 to 2^40, found 1099511627777}}
  %y = lp.compute [1099511627777] -> tensor<1099511627777xi32> {
  ^bb0(%i: index):
    lp.yield %v : i32
  }
  return %y : tensor<1099511627777xi32>
}

// -----

// compute_c4
func.func @compute_c4_dynamic(%v: i32, %n: index) -> tensor<?xi32> {
  // expected-error @+1 {{extent 0 is no run-time size of the kernel}}
  %y = lp.compute [-9223372036854775808] dynamic(%n) -> tensor<?xi32> {
  ^bb0(%i: index):
    lp.yield %v : i32
  }
  return %y : tensor<?xi32>
}

// -----

// compute_c5
func.func @compute_c5(%v: i32) -> tensor<4xi32> {
  // expected-error @+1 {{computes scalars, found 'lp.compute'}}
  %y = lp.compute [4] -> tensor<4xi32> {
  ^bb0(%i: index):
    // expected-note @+1 {{it stands here}}
    %z = lp.compute [4] -> tensor<4xi32> {
    ^bb0(%j: index):
      lp.yield %v : i32
    }
    lp.yield %v : i32
  }
  return %y : tensor<4xi32>
}

// -----

// contract_c4
func.func @contract_c4(%x: tensor<5x7x!lp.int<unsigned, 4>>, %w: tensor<3x7x!lp.int<signed, 4>>) -> tensor<5x3xi32> {
  // expected-error @+1 {{writes 'tensor<5x3xi32>', but loop 0 has another extent}}
  %y = lp.contract ins(%x, %w : tensor<5x7x!lp.int<unsigned, 4>>, tensor<3x7x!lp.int<signed, 4>>)
    loops [4, 3, 7] parallel 2 attributes {
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xDivisors = array<i64: 1, 1>, xElement = !lp.int<unsigned, 4>, wElement = !lp.int<signed, 4>,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 7>, wShape = array<i64: 3, 7>} -> tensor<5x3xi32> {
  ^bb0(%m: index, %n: index, %acc: i32):
    lp.yield %acc : i32
  }
  return %y : tensor<5x3xi32>
}

// -----

// contract_c5
func.func @contract_c5(%x: tensor<5x7x!lp.int<unsigned, 4>>, %w: tensor<3x7x!lp.int<signed, 4>>) -> tensor<5x3xi32> {
  // expected-error @+1 {{contracts integers into integers or f32 into f32, found x of 'f32'}}
  %y = lp.contract ins(%x, %w : tensor<5x7x!lp.int<unsigned, 4>>, tensor<3x7x!lp.int<signed, 4>>)
    loops [5, 3, 7] parallel 2 attributes {
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xDivisors = array<i64: 1, 1>, xElement = f32, wElement = !lp.int<signed, 4>,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 7>, wShape = array<i64: 3, 7>} -> tensor<5x3xi32> {
  ^bb0(%m: index, %n: index, %acc: i32):
    lp.yield %acc : i32
  }
  return %y : tensor<5x3xi32>
}

// -----

// contract_c8
func.func @contract_c8(%x: tensor<5x7x!lp.int<unsigned, 4>>, %w: tensor<3x7x!lp.int<signed, 4>>) -> tensor<5x3xi32> {
  // expected-error @+1 {{takes x as 6x7 of '!lp.int<unsigned, 4>', found 'tensor<5x7x!lp.int<unsigned, 4>>'}}
  %y = lp.contract ins(%x, %w : tensor<5x7x!lp.int<unsigned, 4>>, tensor<3x7x!lp.int<signed, 4>>)
    loops [5, 3, 7] parallel 2 attributes {
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xDivisors = array<i64: 1, 1>, xElement = !lp.int<unsigned, 4>, wElement = !lp.int<signed, 4>,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 6, 7>, wShape = array<i64: 3, 7>} -> tensor<5x3xi32> {
  ^bb0(%m: index, %n: index, %acc: i32):
    lp.yield %acc : i32
  }
  return %y : tensor<5x3xi32>
}

// -----

// contract_c9
func.func @contract_c9(%x: tensor<5x7x!lp.int<unsigned, 4>>, %w: tensor<3x7x!lp.int<signed, 4>>) -> tensor<5x3xi32> {
  // expected-error @+1 {{has a range of x that is none of '!lp.int<unsigned, 4>'}}
  %y = lp.contract ins(%x, %w : tensor<5x7x!lp.int<unsigned, 4>>, tensor<3x7x!lp.int<signed, 4>>)
    loops [5, 3, 7] parallel 2 attributes {
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xDivisors = array<i64: 1, 1>, xElement = !lp.int<unsigned, 4>, wElement = !lp.int<signed, 4>,
      xRange = array<i64: 0, 16>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 7>, wShape = array<i64: 3, 7>} -> tensor<5x3xi32> {
  ^bb0(%m: index, %n: index, %acc: i32):
    lp.yield %acc : i32
  }
  return %y : tensor<5x3xi32>
}

// -----

// contract_c10
func.func @contract_c10(%x: tensor<5x7x!lp.int<unsigned, 4>>, %w: tensor<3x7x!lp.int<signed, 4>>) -> tensor<5x3xi32> {
  // expected-error @+1 {{subscripts of x are sums of multiples of loops and a constant}}
  %y = lp.contract ins(%x, %w : tensor<5x7x!lp.int<unsigned, 4>>, tensor<3x7x!lp.int<signed, 4>>)
    loops [5, 3, 7] parallel 2 attributes {
      xMap = affine_map<(m, n, k) -> (m floordiv 2, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xDivisors = array<i64: 1, 1>, xElement = !lp.int<unsigned, 4>, wElement = !lp.int<signed, 4>,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 7>, wShape = array<i64: 3, 7>} -> tensor<5x3xi32> {
  ^bb0(%m: index, %n: index, %acc: i32):
    lp.yield %acc : i32
  }
  return %y : tensor<5x3xi32>
}

// -----

// contract_c10: a convolution over the edge
func.func @contract_c10_outside(%x: tensor<5x7x!lp.int<unsigned, 4>>, %w: tensor<3x7x!lp.int<signed, 4>>) -> tensor<5x3xi32> {
  // expected-error @+1 {{reads x outside: the subscript of dimension 1 goes from 0 to 9, but its size is 7}}
  %y = lp.contract ins(%x, %w : tensor<5x7x!lp.int<unsigned, 4>>, tensor<3x7x!lp.int<signed, 4>>)
    loops [5, 3, 10] parallel 2 attributes {
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xDivisors = array<i64: 1, 1>, xElement = !lp.int<unsigned, 4>, wElement = !lp.int<signed, 4>,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 7>, wShape = array<i64: 3, 7>} -> tensor<5x3xi32> {
  ^bb0(%m: index, %n: index, %acc: i32):
    lp.yield %acc : i32
  }
  return %y : tensor<5x3xi32>
}

// -----

// contract_c10: w has no padding
func.func @contract_c10_w(%x: tensor<5x7x!lp.int<unsigned, 4>>, %w: tensor<3x7x!lp.int<signed, 4>>) -> tensor<5x3xi32> {
  // expected-error @+1 {{reads w outside: the subscript of dimension 1 goes from 0 to 9, but its size is 7}}
  %y = lp.contract ins(%x, %w : tensor<5x7x!lp.int<unsigned, 4>>, tensor<3x7x!lp.int<signed, 4>>)
    loops [5, 3, 10] parallel 2 attributes {
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xDivisors = array<i64: 1, 1>, xElement = !lp.int<unsigned, 4>, wElement = !lp.int<signed, 4>,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 7>, wShape = array<i64: 3, 7>, xPad = 0 : i64} -> tensor<5x3xi32> {
  ^bb0(%m: index, %n: index, %acc: i32):
    lp.yield %acc : i32
  }
  return %y : tensor<5x3xi32>
}

// -----

// contract_c10
func.func @contract_c10_divisor(%x: tensor<5x7x!lp.int<unsigned, 4>>, %w: tensor<3x7x!lp.int<signed, 4>>) -> tensor<5x3xi32> {
  // expected-error @+1 {{divisors of x are positive, and need a padding if they are not 1}}
  %y = lp.contract ins(%x, %w : tensor<5x7x!lp.int<unsigned, 4>>, tensor<3x7x!lp.int<signed, 4>>)
    loops [5, 3, 7] parallel 2 attributes {
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xDivisors = array<i64: 1, 2>, xElement = !lp.int<unsigned, 4>, wElement = !lp.int<signed, 4>,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 7>, wShape = array<i64: 3, 7>} -> tensor<5x3xi32> {
  ^bb0(%m: index, %n: index, %acc: i32):
    lp.yield %acc : i32
  }
  return %y : tensor<5x3xi32>
}

// -----

// contract_c11
func.func @contract_c11(%x: tensor<5x7x!lp.int<unsigned, 4>>, %w: tensor<3x7x!lp.int<signed, 4>>, %z: tensor<2xi32>) -> tensor<5x3xi32> {
  // expected-error @+1 {{takes a zero point of x and its map together}}
  %y = lp.contract ins(%x, %w : tensor<5x7x!lp.int<unsigned, 4>>, tensor<3x7x!lp.int<signed, 4>>) x_zero(%z : tensor<2xi32>)
    loops [5, 3, 7] parallel 2 attributes {
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xDivisors = array<i64: 1, 1>, xElement = !lp.int<unsigned, 4>, wElement = !lp.int<signed, 4>,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 7>, wShape = array<i64: 3, 7>} -> tensor<5x3xi32> {
  ^bb0(%m: index, %n: index, %acc: i32):
    lp.yield %acc : i32
  }
  return %y : tensor<5x3xi32>
}

// -----

// contract_c11
func.func @contract_c11_map(%x: tensor<5x7x!lp.int<unsigned, 4>>, %w: tensor<3x7x!lp.int<signed, 4>>, %z: tensor<7xi32>) -> tensor<5x3xi32> {
  // expected-error @+1 {{zero points of w are subscripted by parallel and group loops and constants}}
  %y = lp.contract ins(%x, %w : tensor<5x7x!lp.int<unsigned, 4>>, tensor<3x7x!lp.int<signed, 4>>) w_zero(%z : tensor<7xi32>)
    loops [5, 3, 7] parallel 2 attributes {
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xDivisors = array<i64: 1, 1>, xElement = !lp.int<unsigned, 4>, wElement = !lp.int<signed, 4>,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 7>, wShape = array<i64: 3, 7>, wZeroMap = affine_map<(m, n, k) -> (k)>} -> tensor<5x3xi32> {
  ^bb0(%m: index, %n: index, %acc: i32):
    lp.yield %acc : i32
  }
  return %y : tensor<5x3xi32>
}

// -----

// contract_c11
func.func @contract_c11_outside(%x: tensor<5x7x!lp.int<unsigned, 4>>, %w: tensor<3x7x!lp.int<signed, 4>>, %z: tensor<2xi32>) -> tensor<5x3xi32> {
  // expected-error @+1 {{reads zero points outside: the subscript of dimension 0 goes from 0 to 2, but its size is 2}}
  %y = lp.contract ins(%x, %w : tensor<5x7x!lp.int<unsigned, 4>>, tensor<3x7x!lp.int<signed, 4>>) w_zero(%z : tensor<2xi32>)
    loops [5, 3, 7] parallel 2 attributes {
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xDivisors = array<i64: 1, 1>, xElement = !lp.int<unsigned, 4>, wElement = !lp.int<signed, 4>,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 7>, wShape = array<i64: 3, 7>, wZeroMap = affine_map<(m, n, k) -> (n)>} -> tensor<5x3xi32> {
  ^bb0(%m: index, %n: index, %acc: i32):
    lp.yield %acc : i32
  }
  return %y : tensor<5x3xi32>
}

// -----

// contract_c11: a zero point of x for each row
func.func @contract_c11_x_outside(%x: tensor<5x7x!lp.int<unsigned, 4>>, %w: tensor<3x7x!lp.int<signed, 4>>, %z: tensor<4xi32>) -> tensor<5x3xi32> {
  // expected-error @+1 {{reads zero points outside: the subscript of dimension 0 goes from 0 to 4, but its size is 4}}
  %y = lp.contract ins(%x, %w : tensor<5x7x!lp.int<unsigned, 4>>, tensor<3x7x!lp.int<signed, 4>>) x_zero(%z : tensor<4xi32>)
    loops [5, 3, 7] parallel 2 attributes {
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xDivisors = array<i64: 1, 1>, xElement = !lp.int<unsigned, 4>, wElement = !lp.int<signed, 4>,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 7>, wShape = array<i64: 3, 7>, xZeroMap = affine_map<(m, n, k) -> (m)>} -> tensor<5x3xi32> {
  ^bb0(%m: index, %n: index, %acc: i32):
    lp.yield %acc : i32
  }
  return %y : tensor<5x3xi32>
}

// -----

// contract_c13
func.func @contract_c13(%x: tensor<5x7x!lp.int<unsigned, 4>>, %w: tensor<3x7x!lp.int<signed, 4>>) -> tensor<5x3xi32> {
  // expected-error @+1 {{needs a scale that is not 0, and an offset, both within 2^31 of 0}}
  %y = lp.contract ins(%x, %w : tensor<5x7x!lp.int<unsigned, 4>>, tensor<3x7x!lp.int<signed, 4>>)
    loops [5, 3, 7] parallel 2 attributes {
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xDivisors = array<i64: 1, 1>, xElement = !lp.int<unsigned, 4>, wElement = !lp.int<signed, 4>,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 7>, wShape = array<i64: 3, 7>, wAffine = array<i64: 0, 1>} -> tensor<5x3xi32> {
  ^bb0(%m: index, %n: index, %acc: i32):
    lp.yield %acc : i32
  }
  return %y : tensor<5x3xi32>
}

// -----

// contract_c14
func.func @contract_c14(%x: tensor<5x7xf32>, %w: tensor<3x7xf32>) -> tensor<5x3xf32> {
  // expected-error @+1 {{multiplies f32 as they are: without zero points, scales, offsets and paddings other than 0}}
  %y = lp.contract ins(%x, %w : tensor<5x7xf32>, tensor<3x7xf32>)
    loops [5, 3, 7] parallel 2 attributes {
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xDivisors = array<i64: 1, 1>, xElement = f32, wElement = f32,
      xRange = array<i64>, wRange = array<i64>, xPad = 1 : i64,
      xShape = array<i64: 5, 7>, wShape = array<i64: 3, 7>} -> tensor<5x3xf32> {
  ^bb0(%m: index, %n: index, %acc: f32):
    lp.yield %acc : f32
  }
  return %y : tensor<5x3xf32>
}

// -----

// contract_c12
func.func @contract_c12(%x: tensor<5x7x!lp.int<unsigned, 4>>, %w: tensor<3x7x!lp.int<signed, 4>>) -> tensor<5x3xi32> {
  // expected-error @+1 {{computes scalars, found 'lp.compute'}}
  %y = lp.contract ins(%x, %w : tensor<5x7x!lp.int<unsigned, 4>>, tensor<3x7x!lp.int<signed, 4>>)
    loops [5, 3, 7] parallel 2 attributes {
      xMap = affine_map<(m, n, k) -> (m, k)>, wMap = affine_map<(m, n, k) -> (n, k)>,
      xDivisors = array<i64: 1, 1>, xElement = !lp.int<unsigned, 4>, wElement = !lp.int<signed, 4>,
      xRange = array<i64: 0, 15>, wRange = array<i64: -8, 7>,
      xShape = array<i64: 5, 7>, wShape = array<i64: 3, 7>} -> tensor<5x3xi32> {
  ^bb0(%m: index, %n: index, %acc: i32):
    // expected-note @+1 {{it stands here}}
    %z = lp.compute [] -> tensor<i32> {
      lp.yield %acc : i32
    }
    lp.yield %acc : i32
  }
  return %y : tensor<5x3xi32>
}
