// The signature of a kernel, and what each of its constraints refuses.
// RUN: lpgen-opt %s --split-input-file --verify-roundtrip --verify-diagnostics | FileCheck %s

// CHECK: lp.kernel @tensors for <"generic"> sizes [#lp.size<"n", bound = 6>] buffers [#lp.buffer<"x", input, !lp.int<unsigned, 2>, [?0, 4], range = [0, 3]>, #lp.buffer<"s", input, f32, []>, #lp.buffer<"y", output, i32, [?0, 4], range = [0, 3]>] {
lp.kernel @tensors for <"generic"> sizes [#lp.size<"n", bound = 6>] buffers [
    #lp.buffer<"x", input, !lp.int<unsigned, 2>, [?0, 4], range = [0, 3]>,
    #lp.buffer<"s", input, f32, []>,
    #lp.buffer<"y", output, i32, [?0, 4], range = [0, 3]>] {
^bb0(%n: index, %x: tensor<?x4x!lp.int<unsigned, 2>>, %s: tensor<f32>):
  %y = lp.compute [-9223372036854775808, 4] dynamic(%n) -> tensor<?x4xi32> {
  ^bb0(%i: index, %j: index):
    %v = lp.read %x[%i, %j] affine_map<(d0, d1) -> (d0, d1)> divisors [1, 1]
      : tensor<?x4x!lp.int<unsigned, 2>> -> i32
    lp.yield %v : i32
  }
  lp.yield %y : tensor<?x4xi32>
}

// CHECK: lp.kernel @phases for <"generic"> sizes [] buffers [#lp.buffer<"y", output, f32, [4]>]
// CHECK-SAME: contractions = [#lp.contraction<"acc", !lp.int<unsigned, 2> x !lp.int<bipolar, 1> into i32, <"direct", cell = "", tile = [1, 1], unroll = 1, block = 1>, group = 0, choice = "cost model">]
// CHECK-SAME: phases = [#lp.phase<compute, run = @run, tasks = @tasks, takes = [0, 1]>]
func.func @run(%y: memref<4xf32>, %work: memref<64xi8>, %scratch: memref<128xi8>, %begin: index, %end: index) {
  return
}
func.func @tasks() -> index {
  %c4 = arith.constant 4 : index
  return %c4 : index
}
lp.kernel @phases for <"generic"> sizes [] buffers [#lp.buffer<"y", output, f32, [4]>] attributes {
  contractions = [#lp.contraction<"acc", !lp.int<unsigned, 2> x !lp.int<bipolar, 1> into i32,
    <"direct", cell = "", tile = [1, 1], unroll = 1, block = 1>, group = 0, choice = "cost model">],
  phases = [#lp.phase<compute, run = @run, tasks = @tasks, takes = [0, 1]>], scratch = 128 : i64, workspace = 64 : i64}

// Two buffers of one constant.
// CHECK: lp.kernel @constants for <"generic"> sizes [] buffers [#lp.buffer<"w", constant of "[[DIGEST:[0-9a-f]+]]", i32, [4], range = [0, 3]>, #lp.buffer<"w", constant of "[[DIGEST]]", i32, [4], range = [0, 3]>, #lp.buffer<"y", output, f32, [4]>]
lp.kernel @constants for <"generic"> sizes [] buffers [
    #lp.buffer<"w", constant of "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", i32, [4], range = [0, 3]>,
    #lp.buffer<"w", constant of "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", i32, [4], range = [0, 3]>,
    #lp.buffer<"y", output, f32, [4]>] attributes {phases = [], scratch = 0 : i64, workspace = 0 : i64}

// Sizes that follow from others, and reads that they prove to be inside.
// CHECK: lp.kernel @follows for <"generic"> sizes [#lp.size<"n", bound = 7>, #lp.size<"", bound = 4, <[0] * [1] + 1 by 2, floor = true>>, #lp.size<"", bound = 5, <[0] * [1] + -2 by 1, floor = false>>]
lp.kernel @follows for <"generic"> sizes [#lp.size<"n", bound = 7>,
    #lp.size<"", bound = 4, <[0] * [1] + 1 by 2, floor = true>>,
    #lp.size<"", bound = 5, <[0] * [1] + -2 by 1, floor = false>>] buffers [
    #lp.buffer<"x", input, i32, [?0], range = [0, 3]>,
    #lp.buffer<"y", output, i32, [?1], range = [0, 3]>,
    #lp.buffer<"z", output, i32, [?2], range = [0, 3]>] {
^bb0(%n: index, %half: index, %less: index, %x: tensor<?xi32>):
  %y = lp.compute [-9223372036854775808] dynamic(%half) -> tensor<?xi32> {
  ^bb0(%i: index):
    %v = lp.read %x[%i] affine_map<(i) -> (2 * i)> divisors [1] : tensor<?xi32> -> i32
    lp.yield %v : i32
  }
  %z = lp.compute [-9223372036854775808] dynamic(%less) -> tensor<?xi32> {
  ^bb0(%i: index):
    %v = lp.read %x[%i] affine_map<(i) -> (i + 2)> divisors [1] : tensor<?xi32> -> i32
    lp.yield %v : i32
  }
  lp.yield %y, %z : tensor<?xi32>, tensor<?xi32>
}

// -----

// read_c8: the last element that is read lies behind the last one
lp.kernel @behind for <"generic"> sizes [#lp.size<"n", bound = 7>,
    #lp.size<"", bound = 5, <[0] * [1] + -2 by 1, floor = false>>] buffers [
    #lp.buffer<"x", input, i32, [?0], range = [0, 3]>,
    #lp.buffer<"z", output, i32, [?1], range = [0, 3]>] {
^bb0(%n: index, %less: index, %x: tensor<?xi32>):
  %z = lp.compute [-9223372036854775808] dynamic(%less) -> tensor<?xi32> {
  ^bb0(%i: index):
    // expected-error @+1 {{reads outside: dimension 0 has a run-time size, and its subscript is neither a loop over all of it nor proved to be inside}}
    %v = lp.read %x[%i] affine_map<(i) -> (i + 3)> divisors [1] : tensor<?xi32> -> i32
    lp.yield %v : i32
  }
  lp.yield %z : tensor<?xi32>
}

// -----

// computed_size_c1
// expected-error @+1 {{a computed size needs a coefficient for each size, numbers within 2^60 and a divisor of 1 or more}}
func.func private @k() attributes {s = #lp.computed_size<[0] * [1] + 1 by 0, floor = true>}

// -----

// kernel_c7
// expected-error @+1 {{has size 0 computed before one that is given}}
lp.kernel @k for <"generic"> sizes [#lp.size<"", bound = 4, <[0] * [1] + 1 by 2, floor = true>>, #lp.size<"n", bound = 4>] buffers []

// -----

// kernel_c7
// expected-error @+1 {{computes size 1 from sizes that do not stand before it, in order}}
lp.kernel @k for <"generic"> sizes [#lp.size<"n", bound = 4>, #lp.size<"", bound = 4, <[1] * [1] + 1 by 2, floor = true>>] buffers []

// -----

// kernel_c7
// expected-error @+1 {{computes size 1, which can be more than its bound 2}}
lp.kernel @k for <"generic"> sizes [#lp.size<"n", bound = 6>, #lp.size<"", bound = 2, <[0] * [1] + 0 by 2, floor = true>>] buffers []

// -----

// size_c1
// expected-error @+1 {{size 'n' needs a bound of 1 to 2^40, found 0}}
lp.kernel @k for <"generic"> sizes [#lp.size<"n", bound = 0>] buffers []

// -----

// packed_buffer_c1
// expected-error @+1 {{a buffer arrives packed as weights, in 64 bytes or more}}
func.func private @k() attributes {b = #lp.packed_buffer<32, <weights, elements, group = 4, bytes = 4, bits = 8, planes = 1, lanes = 8, offset = 0, halve = false, signed = false, sums = false>, packer = @p>}

// -----

// buffer_c1
// expected-error @+1 {{buffer 'x' needs elements of !lp.int, i32, i64, f16, bf16 or f32}}
func.func private @k() attributes {b = #lp.buffer<"x", input, f64, [4]>}

// -----

// buffer_c1
// expected-error @+1 {{buffer 'x' needs positive extents and at most 2^40 elements}}
func.func private @k() attributes {b = #lp.buffer<"x", input, f32, [2097152, 2097152]>}

// -----

// buffer_c1
// expected-error @+1 {{buffer 'x' needs positive extents and at most 2^40 elements}}
func.func private @k() attributes {b = #lp.buffer<"x", input, f32, [1099511627776, 1099511627776]>}

// -----

// buffer_c2
// expected-error @+1 {{buffer 'x' has integers and no range}}
func.func private @k() attributes {b = #lp.buffer<"x", input, i32, [4]>}

// -----

// buffer_c2
// expected-error @+1 {{buffer 'x' needs a range within that of its elements}}
func.func private @k() attributes {b = #lp.buffer<"x", input, !lp.int<unsigned, 2>, [4], range = [0, 4]>}

// -----

// buffer_c3
// expected-error @+1 {{buffer 'x' is packed and no input or constant}}
func.func private @k() attributes {b = #lp.buffer<"x", output, i32, [4], range = [0, 3] packed = <128, <weights, elements, group = 4, bytes = 4, bits = 8, planes = 1, lanes = 8, offset = 0, halve = false, signed = false, sums = false>, packer = @p>>}

// -----

// buffer_c4
// expected-error @+1 {{buffer 'w' is a constant and needs constant extents and a digest of 64 hexadecimal digits}}
func.func private @k() attributes {b = #lp.buffer<"w", constant, f32, [4]>}

// -----

// buffer_c4
// expected-error @+1 {{buffer 'w' is a constant and needs constant extents and a digest}}
func.func private @k() attributes {b = #lp.buffer<"w", constant of "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", f32, [?0]>}

// -----

// buffer_c5
// expected-error @+1 {{buffer 'w' needs sums of pairs of a constant for every n}}
func.func private @k() attributes {b = #lp.buffer<"w", constant of "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" pairSums [0, 6], i32, [4], range = [0, 3]>}

// -----

// buffer_c6
// expected-error @+1 {{buffer 'w' needs live slices of a constant of integers, within its shape}}
func.func private @k() attributes {b = #lp.buffer<"w", constant of "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" live [1, 2, 3], i32, [5], range = [0, 3]>}

// -----

// buffer_c7
// expected-error @+1 {{buffer 'x' needs strides of an input or an output, one of 1 to 2^40 for each dimension}}
func.func private @k() attributes {b = #lp.buffer<"x", input, f32, [4, 4] strides [4]>}

// -----

// buffer_c7
// expected-error @+1 {{buffer 'w' needs strides of an input or an output, one of 1 to 2^40 for each dimension}}
func.func private @k() attributes {b = #lp.buffer<"w", constant of "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", f32, [4] strides [2]>}

// -----

// buffer_c4
// expected-error @+1 {{buffer 'x' has a digest and is no constant}}
func.func private @k() attributes {b = #lp.buffer<"x", input of "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", f32, [4]>}

// -----

// contraction_c1
// expected-error @+1 {{contraction 'y' needs elements and a group of 0 or more}}
func.func private @k() attributes {c = #lp.contraction<"y", index x f32 into f32, <"direct", cell = "", tile = [1, 1], unroll = 1, block = 1>, group = 0, choice = "">}

// -----

// kernel_c1
// expected-error @+1 {{needs an identifier as its name}}
lp.kernel @"a.b" for <"generic"> sizes [] buffers []

// -----

// kernel_c1
// expected-error @+1 {{has two buffers 'x'}}
lp.kernel @k for <"generic"> sizes [] buffers [#lp.buffer<"x", input, f32, [4]>, #lp.buffer<"x", output, f32, [4]>]

// -----

// kernel_c1
// expected-error @+1 {{has input 'x' after an output}}
lp.kernel @k for <"generic"> sizes [] buffers [#lp.buffer<"y", output, f32, [4]>, #lp.buffer<"x", input, f32, [4]>]

// -----

// kernel_c1
// expected-error @+1 {{has input 'x' after a constant}}
lp.kernel @k for <"generic"> sizes [] buffers [#lp.buffer<"w", constant of "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", f32, [4]>, #lp.buffer<"x", input, f32, [4]>]

// -----

// kernel_c1
// expected-error @+1 {{has no size ?2, which buffer 'x' names}}
lp.kernel @k for <"generic"> sizes [#lp.size<"n", bound = 4>] buffers [#lp.buffer<"x", input, f32, [?0] strides [?2]>]

// -----

// kernel_c1
// expected-error @+1 {{has buffer 'x' whose strides span more than 2^40 elements}}
lp.kernel @k for <"generic"> sizes [#lp.size<"n", bound = 1099511627776>] buffers [#lp.buffer<"x", input, f32, [3, 3] strides [?0, 1]>]

// -----

// kernel_c1
// expected-error @+1 {{has no size ?1, which buffer 'x' names}}
lp.kernel @k for <"generic"> sizes [#lp.size<"n", bound = 4>] buffers [#lp.buffer<"x", input, f32, [?1]>]

// -----

// kernel_c2
// expected-error @+1 {{needs argument 0 of type 'tensor<4xf32>', found 'tensor<5xf32>'}}
lp.kernel @k for <"generic"> sizes [] buffers [#lp.buffer<"x", input, f32, [4]>] {
^bb0(%x: tensor<5xf32>):
}

// -----

// kernel_c2
lp.kernel @k for <"generic"> sizes [] buffers [#lp.buffer<"x", input, f32, [4]>, #lp.buffer<"y", output, f32, [4]>] {
^bb0(%x: tensor<4xf32>):
  // expected-error @+1 {{must yield the kernel's outputs, 1 tensors as buffers say}}
  lp.yield
}

// -----

// kernel_c2
// expected-error @+1 {{needs 2 arguments by its signature, found 1}}
lp.kernel @k for <"generic"> sizes [] buffers [#lp.buffer<"x", input, f32, [4]>] attributes {workspace = 64 : i64} {
^bb0(%x: memref<4xf32>):
}

// -----

// kernel_c3
// expected-error @+1 {{without a body needs phases, workspace and scratch}}
lp.kernel @k for <"generic"> sizes [] buffers []

// -----

// kernel_c3
// expected-error @+1 {{has a body and phases or scratch}}
lp.kernel @k for <"generic"> sizes [] buffers [] attributes {scratch = 0 : i64} {
  lp.yield
}

// -----

// kernel_c4
// expected-error @+1 {{needs a workspace and scratch of 0 to 2^62 bytes}}
lp.kernel @k for <"generic"> sizes [] buffers [] attributes {phases = [], scratch = -1 : i64, workspace = 0 : i64}

// -----

// kernel_c4
// expected-error @+1 {{needs a hash of 64 hexadecimal digits}}
lp.kernel @k for <"generic"> sizes [] buffers [] attributes {hash = "12", phases = [], scratch = 0 : i64, workspace = 0 : i64}

// -----

// kernel_c5
// expected-error @+1 {{has no function @run}}
lp.kernel @k for <"generic"> sizes [] buffers [] attributes {phases = [#lp.phase<pack, run = @run, tasks = @tasks>], scratch = 0 : i64, workspace = 0 : i64}

// -----

// kernel_c5
// expected-error @+1 {{has no argument 1, which function @run takes}}
lp.kernel @k for <"generic"> sizes [] buffers [] attributes {phases = [#lp.phase<pack, run = @run, tasks = @tasks, takes = [0, 1]>], scratch = 0 : i64, workspace = 0 : i64}

// -----

// kernel_c5
// expected-note @+1 {{found '() -> ()'}}
func.func private @tasks()
// expected-error @+1 {{needs function @tasks of type '(memref<0xi8>, index, index) -> ()'}}
lp.kernel @k for <"generic"> sizes [] buffers [] attributes {phases = [#lp.phase<pack, run = @tasks, tasks = @tasks>], scratch = 0 : i64, workspace = 0 : i64}

// -----

// kernel_c6
lp.kernel @k for <"generic"> sizes [] buffers [#lp.buffer<"y", output, i32, [4], range = [0, 3]>] {
  %n = arith.constant 3 : index
  %y = lp.compute [4] -> tensor<4xi32> {
  ^bb0(%i: index):
    // expected-error @+1 {{needs run-time sizes of the kernel as dynamic extents}}
    %s = lp.reduce sum [-9223372036854775808] dynamic(%n) : i32 {
    ^bb0(%k: index):
      %c = arith.constant 1 : i32
      lp.yield %c : i32
    }
    lp.yield %s : i32
  }
  lp.yield %y : tensor<4xi32>
}

// -----

// The dialect has one attribute for the ops of others.
// expected-error @+1 {{has unknown attribute 'lp.info'}}
module attributes {lp.info = "{}"} {
}

// -----

func.func @mark(%n: index) {
  // expected-error @+1 {{has 'lp.elementwise', which marks loops without results and has no value}}
  %c = arith.constant {lp.elementwise} 1 : index
  return
}
