/*
 * bench_kern.h: how fast the kernels of every usable table are; nothing here is asserted.
 */
#ifndef BENCH_KERN_H
#define BENCH_KERN_H

/* Prints GB/s of packed weights for one token and GMAC/s for 32, per table and weight type, beside
 * what the machine reads from memory with one thread. */
void bench_kern(void);

#endif
