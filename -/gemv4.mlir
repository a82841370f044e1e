module {
  memref.global "private" constant @lp.table0 : memref<2xi32> = dense<1>
  func.func @gemv4.tasks0() -> index {
    %c1 = arith.constant 1 : index
    return %c1 : index
  }
  func.func @gemv4.phase0(%arg0: memref<64x1024xi8>, %arg1: memref<65600xi8>, %arg2: memref<4096xi8>, %arg3: index, %arg4: index) {
    %c256 = arith.constant 256 : index
    %c8 = arith.constant 8 : index
    %c4 = arith.constant 4 : index
    %c128_i32 = arith.constant 128 : i32
    %c1024 = arith.constant 1024 : index
    %c64 = arith.constant 64 : index
    %c1 = arith.constant 1 : index
    %c0 = arith.constant 0 : index
    scf.for %arg5 = %arg3 to %arg4 step %c1 {
      %view = memref.view %arg2[%c0][] : memref<4096xi8> to memref<1024xi8>
      scf.for %arg6 = %c0 to %c64 step %c1 {
        %0 = arith.muli %arg6, %c1024 : index
        scf.for %arg7 = %c0 to %c1024 step %c1 {
          %1 = lp.read %arg0[%arg6, %arg7] affine_map<(d0, d1) -> (d0, d1)> divisors [1, 1] element !lp.int<signed, 8> : memref<64x1024xi8> -> i32
          %2 = arith.addi %1, %c128_i32 : i32
          %3 = arith.trunci %2 : i32 to i8
          memref.store %3, %view[%arg7] : memref<1024xi8>
        } {lp.elementwise}
        scf.for %arg7 = %c0 to %c256 step %c8 {
          %1 = arith.muli %arg7, %c4 : index
          %2 = arith.addi %0, %1 : index
          %3 = vector.load %view[%1] : memref<1024xi8>, vector<32xi8>
          vector.store %3, %arg1[%2] : memref<65600xi8>, vector<32xi8>
        }
      }
    }
    return
  }
  func.func @gemv4.tasks1() -> index {
    %c32 = arith.constant 32 : index
    return %c32 : index
  }
  func.func @gemv4.phase1(%arg0: memref<528448xi8>, %arg1: memref<64x512xi32>, %arg2: memref<65600xi8>, %arg3: memref<4096xi8>, %arg4: index, %arg5: index) {
    %c524352 = arith.constant 524352 : index
    %c128 = arith.constant 128 : index
    %c-128_i32 = arith.constant -128 : i32
    %c3072 = arith.constant 3072 : index
    %c2048 = arith.constant 2048 : index
    %c1024 = arith.constant 1024 : index
    %c256 = arith.constant 256 : index
    %cst = arith.constant dense<0> : vector<64xi32>
    %c65536 = arith.constant 65536 : index
    %c8 = arith.constant 8 : index
    %c4 = arith.constant 4 : index
    %c16 = arith.constant 16 : index
    %c64 = arith.constant 64 : index
    %c1 = arith.constant 1 : index
    %c0 = arith.constant 0 : index
    scf.for %arg6 = %arg4 to %arg5 step %c1 {
      %0 = arith.remui %arg6, %c4 : index
      %1 = arith.divui %arg6, %c4 : index
      %2 = arith.remui %1, %c8 : index
      %3 = arith.divui %1, %c8 : index
      %4 = arith.muli %0, %c16 : index
      %5 = arith.addi %4, %c16 : index
      %6 = arith.minsi %5, %c64 : index
      %7 = arith.muli %3, %c8 : index
      %8 = arith.addi %7, %2 : index
      %9 = arith.muli %8, %c65536 : index
      %10 = arith.addi %9, %c64 : index
      %view = memref.view %arg3[%c0][] : memref<4096xi8> to memref<16x64xi32>
      %11 = arith.subi %6, %4 : index
      scf.for %arg7 = %c0 to %11 step %c1 {
        vector.store %cst, %view[%arg7, %c0] : memref<16x64xi32>, vector<64xi32>
      }
      scf.for %arg7 = %c0 to %c256 step %c64 {
        %13 = arith.divui %11, %c4 : index
        %14 = arith.muli %13, %c4 : index
        %15 = arith.addi %4, %14 : index
        scf.for %arg8 = %4 to %15 step %c4 {
          %16 = arith.muli %arg8, %c1024 : index
          %17 = arith.addi %16, %c1024 : index
          %18 = arith.addi %16, %c2048 : index
          %19 = arith.addi %16, %c3072 : index
          %20 = arith.subi %arg8, %4 : index
          %21 = arith.muli %20, %c256 : index
          %22 = arith.muli %arg7, %c4 : index
          %23 = arith.muli %arg7, %c256 : index
          %24 = arith.addi %10, %23 : index
          %25 = arith.addi %16, %22 : index
          %26 = arith.addi %17, %22 : index
          %27 = arith.addi %18, %22 : index
          %28 = arith.addi %19, %22 : index
          %view_0 = memref.view %arg3[%21][] : memref<4096xi8> to memref<4x64xi32>
          lp.tile "dpbusd" %arg2[%25, %26, %27, %28], %arg0[%24] into %view_0 attributes {accumulate, chunk = 1099511627776 : i64, counts = array<i64: 64>, strides = array<i64: 4>, unroll = 2 : i64, vectors = 4 : i64, wPlaneStride = 65536 : i64, wPlanes = array<i64>, wSteps = array<i64: 1>, xPlaneStride = 65536 : i64, xPlanes = array<i64>} : memref<65600xi8>, memref<528448xi8>, memref<4x64xi32>
        }
      }
      %12 = arith.muli %2, %c64 : index
      scf.for %arg7 = %4 to %6 step %c1 {
        %13 = arith.muli %8, %c128 : index
        scf.for %arg8 = %c0 to %c64 step %c1 {
          %14 = arith.addi %12, %arg8 : index
          %15 = arith.subi %arg7, %4 : index
          %16 = memref.load %view[%15, %arg8] : memref<16x64xi32>
          %view_0 = memref.view %arg0[%c524352][] : memref<528448xi8> to memref<1024xi32>
          %17 = arith.addi %13, %arg8 : index
          %18 = memref.load %view_0[%17] : memref<1024xi32>
          %19 = arith.muli %18, %c-128_i32 : i32
          %20 = arith.addi %16, %19 : i32
          memref.store %20, %arg1[%arg7, %14] : memref<64x512xi32>
        } {lp.elementwise}
      }
    }
    return
  }
  lp.kernel @gemv4 for <"x86_avx512_vnni"> sizes [] buffers [#lp.buffer<"x", input, !lp.int<signed, 8>, [64, 1024], range = [-128, 127]>, #lp.buffer<"w", input, !lp.int<signed, 8>, [1024, 512], range = [-128, 127] packed = <528448, <weights, elements, group = 4, bytes = 4, bits = 8, planes = 1, lanes = 64, offset = 0, halve = false, signed = true, sums = true>, packer = @gemv4.pack.w>>, #lp.buffer<"y", output, i32, [64, 512], range = [-16646144, 16777216]>] attributes {contractions = [#lp.contraction<"y", !lp.int<signed, 8> x !lp.int<signed, 8> into i32, <"widen", cell = "dpbusd", tile = [4, 4], unroll = 2, block = 4, prefetch = 0>, group = 4, choice = "cost model: 49.90 MAC/cycle expected, next widen<cell=dpwssd,tile=[4,4],unroll=2,block=4,prefetch=0> with 23.76">], hash = "f87ac2f1b81dcecf8f42e2ebe9ba8ab79b3a3e094fbd8435231e8d608eb167f5", phases = [#lp.phase<pack, run = @gemv4.phase0, tasks = @gemv4.tasks0, takes = [0, 3]>, #lp.phase<contract, run = @gemv4.phase1, tasks = @gemv4.tasks1, takes = [1, 2, 3]>], scratch = 4096 : i64, workspace = 65600 : i64}
  func.func @gemv4.pack.w(%arg0: memref<1024x512xi8>, %arg1: memref<528448xi8>) {
    %c128 = arith.constant 128 : index
    %c524352 = arith.constant 524352 : index
    %c3 = arith.constant 3 : index
    %c2 = arith.constant 2 : index
    %c0_i32 = arith.constant 0 : i32
    %c1024 = arith.constant 1024 : index
    %c512 = arith.constant 512 : index
    %c4 = arith.constant 4 : index
    %c256 = arith.constant 256 : index
    %c65536 = arith.constant 65536 : index
    %c64 = arith.constant 64 : index
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    %c0 = arith.constant 0 : index
    scf.for %arg2 = %c0 to %c8 step %c1 {
      %0 = arith.remui %arg2, %c8 : index
      %1 = arith.divui %arg2, %c8 : index
      %2 = arith.muli %1, %c8 : index
      %3 = arith.addi %2, %0 : index
      %4 = arith.muli %3, %c65536 : index
      %5 = arith.addi %4, %c64 : index
      scf.for %arg3 = %c0 to %c256 step %c1 {
        scf.for %arg4 = %c0 to %c64 step %c1 {
          %7 = arith.muli %arg3, %c256 : index
          %8 = arith.addi %5, %7 : index
          %9 = arith.muli %arg4, %c4 : index
          %10 = arith.addi %8, %9 : index
          %11 = arith.muli %0, %c64 : index
          %12 = arith.addi %11, %arg4 : index
          %13 = arith.muli %arg3, %c4 : index
          %14 = arith.cmpi slt, %12, %c512 : index
          %15 = arith.cmpi slt, %13, %c1024 : index
          %16 = arith.andi %14, %15 : i1
          %17 = scf.if %16 -> (i32) {
            %37 = lp.read %arg0[%13, %12] affine_map<(d0, d1) -> (d0, d1)> divisors [1, 1] element !lp.int<signed, 8> : memref<1024x512xi8> -> i32
            scf.yield %37 : i32
          } else {
            scf.yield %c0_i32 : i32
          }
          %18 = arith.addi %13, %c1 : index
          %19 = arith.cmpi slt, %18, %c1024 : index
          %20 = arith.andi %14, %19 : i1
          %21 = scf.if %20 -> (i32) {
            %37 = lp.read %arg0[%18, %12] affine_map<(d0, d1) -> (d0, d1)> divisors [1, 1] element !lp.int<signed, 8> : memref<1024x512xi8> -> i32
            scf.yield %37 : i32
          } else {
            scf.yield %c0_i32 : i32
          }
          %22 = arith.addi %13, %c2 : index
          %23 = arith.cmpi slt, %22, %c1024 : index
          %24 = arith.andi %14, %23 : i1
          %25 = scf.if %24 -> (i32) {
            %37 = lp.read %arg0[%22, %12] affine_map<(d0, d1) -> (d0, d1)> divisors [1, 1] element !lp.int<signed, 8> : memref<1024x512xi8> -> i32
            scf.yield %37 : i32
          } else {
            scf.yield %c0_i32 : i32
          }
          %26 = arith.addi %13, %c3 : index
          %27 = arith.cmpi slt, %26, %c1024 : index
          %28 = arith.andi %14, %27 : i1
          %29 = scf.if %28 -> (i32) {
            %37 = lp.read %arg0[%26, %12] affine_map<(d0, d1) -> (d0, d1)> divisors [1, 1] element !lp.int<signed, 8> : memref<1024x512xi8> -> i32
            scf.yield %37 : i32
          } else {
            scf.yield %c0_i32 : i32
          }
          %30 = arith.trunci %17 : i32 to i8
          memref.store %30, %arg1[%10] : memref<528448xi8>
          %31 = arith.addi %10, %c1 : index
          %32 = arith.trunci %21 : i32 to i8
          memref.store %32, %arg1[%31] : memref<528448xi8>
          %33 = arith.addi %10, %c2 : index
          %34 = arith.trunci %25 : i32 to i8
          memref.store %34, %arg1[%33] : memref<528448xi8>
          %35 = arith.addi %10, %c3 : index
          %36 = arith.trunci %29 : i32 to i8
          memref.store %36, %arg1[%35] : memref<528448xi8>
        }
      }
      %6 = memref.get_global @lp.table0 : memref<2xi32>
      %view = memref.view %arg1[%c524352][] : memref<528448xi8> to memref<1024xi32>
      scf.for %arg3 = %c0 to %c2 step %c1 {
        scf.for %arg4 = %c0 to %c64 step %c1 {
          %7 = arith.muli %0, %c64 : index
          %8 = arith.addi %7, %arg4 : index
          %9 = memref.load %6[%arg3] : memref<2xi32>
          %10 = scf.for %arg5 = %c0 to %c1024 step %c1 iter_args(%arg6 = %c0_i32) -> (i32) {
            %16 = arith.cmpi slt, %8, %c512 : index
            %17 = arith.cmpi slt, %arg5, %c1024 : index
            %18 = arith.andi %16, %17 : i1
            %19 = scf.if %18 -> (i32) {
              %21 = lp.read %arg0[%arg5, %8] affine_map<(d0, d1) -> (d0, d1)> divisors [1, 1] element !lp.int<signed, 8> : memref<1024x512xi8> -> i32
              scf.yield %21 : i32
            } else {
              scf.yield %c0_i32 : i32
            }
            %20 = arith.addi %arg6, %19 : i32
            scf.yield %20 : i32
          }
          %11 = arith.muli %10, %9 : i32
          %12 = arith.muli %3, %c128 : index
          %13 = arith.muli %arg3, %c64 : index
          %14 = arith.addi %13, %arg4 : index
          %15 = arith.addi %12, %14 : index
          memref.store %11, %view[%15] : memref<1024xi32>
        }
      }
    }
    return
  }
}