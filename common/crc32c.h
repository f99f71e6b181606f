/*
 * crc32c.h - the checksum of our caches (CRC-32C, Castagnoli)
 *
 * Against damage, not against an attacker. Uses the processor's instruction
 * where there is one. Pure.
 */
#ifndef CRC32C_H
#define CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Go on from crc (0 at the start) over s[0..len). */
uint32_t crc32c(uint32_t crc, void const *s, size_t len);

/*
 * Another checksum of the same strength, for large blocks: four of these, each
 * over every fourth word of 8 octets, and one over the four and what is left.
 * Goes as fast as memory is read.
 */
uint32_t crc32c_lanes(void const *s, size_t len);

#endif
