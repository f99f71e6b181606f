/*
 * wire.h - the fields of a frame between our own processes
 *
 * A frame is one SOCK_SEQPACKET message: fields in fixed order, numbers
 * big-endian, byte strings with a 16-bit length in front. Nothing to quote,
 * nothing that is parsed again. The receiver checks every length and, with
 * wire_end, that nothing is left over. Pure functions: no i/o, no allocation.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets of the largest frame on any pair. */
#define WIRE_FRAME_MAX 32768

struct wire_out {
	char *s;
	size_t max, len;
	bool failed; /* a field did not fit; sticky */
};

struct wire_in {
	char const *s;
	size_t len, at;
	bool failed; /* a field was short or out of range; sticky */
};

void wire_start(struct wire_out *out, char *s, size_t max);
void wire_put_u8(struct wire_out *out, uint8_t n);
void wire_put_u16(struct wire_out *out, uint16_t n);
void wire_put_u32(struct wire_out *out, uint32_t n);
void wire_put_u64(struct wire_out *out, uint64_t n);
/* len at most 65535, else failed. */
void wire_put_bytes(struct wire_out *out, char const *s, size_t len);

void wire_open(struct wire_in *in, char const *s, size_t len);
/* After a failure every get gives 0 or an empty string. */
uint8_t wire_get_u8(struct wire_in *in);
uint16_t wire_get_u16(struct wire_in *in);
uint32_t wire_get_u32(struct wire_in *in);
uint64_t wire_get_u64(struct wire_in *in);
/* Points into the frame. Longer than max: failed. */
char const *wire_get_bytes(struct wire_in *in, size_t max, size_t *len_r);
/* True if nothing failed and nothing is left. */
bool wire_end(struct wire_in const *in) __attribute__((warn_unused_result));

#endif
