# Data for tests of commands; to be sourced.

# writeIdx FOLDER PREFIX: 64 images of 8x8 pixels of which the first tells the class, and their labels: the
# octets of an IDX file, written by printf.
writeIdx() {
  local folder=$1 prefix=$2 i
  {
    printf '\0\0\10\3\0\0\0\100\0\0\0\10\0\0\0\10'
    for ((i = 0; i < 64; ++i)); do
      printf "\\$(printf %o $((i % 10 * 25)))%063d" 0
    done
  } >"$folder/$prefix-images-idx3-ubyte"
  {
    printf '\0\0\10\1\0\0\0\100'
    for ((i = 0; i < 64; ++i)); do
      printf "\\$(printf %o $((i % 10)))"
    done
  } >"$folder/$prefix-labels-idx1-ubyte"
}
