/* Runs an exported network: a packed file of weights and the generated kernels
 * that `lpgen export` wrote beside it. Plain C11, one thread. */
#ifndef LP_NETWORK_H
#define LP_NETWORK_H

#include "lp_kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lp_network lp_network;

/* The kernels of the network, in network_kernels.c. */
extern const lp_kernel *const lp_network_kernels[];
extern const int lp_network_num_kernels;

/* Reads the file and packs the weights for the kernels. Null if that fails;
 * `message` then gets the reason, cut off at `size` bytes. */
lp_network *lp_network_open(const char *path, const lp_kernel *const *kernels,
                            int num_kernels, char *message, int size);
void lp_network_close(lp_network *network);

/* Bytes of an image: height, width, channels, the last running fastest. */
int64_t lp_network_image_size(const lp_network *network);
int64_t lp_network_num_classes(const lp_network *network);

/* Scores [images, classes] of images [images, image_size], in batches as many
 * as the trainer took. What a kernel returned if that is not LP_OK. */
int lp_network_run(lp_network *network, const uint8_t *images, int64_t count,
                   float *scores);

#ifdef __cplusplus
}
#endif

#endif /* LP_NETWORK_H */
