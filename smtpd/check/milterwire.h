/*
 * milterwire.h - packets of the milter protocol, version 6
 *
 * As libmilter speaks it: a length of four octets, a letter, data. Pure; what a
 * milter sends is checked as what anybody sends.
 */
#ifndef MILTERWIRE_H
#define MILTERWIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#define MILTERWIRE_VERSION 6u
/* Octets of one packet that a milter may send, its letter included; of a piece
 * of a body that we send. */
#define MILTERWIRE_PACKET_MAX (1024u * 1024)
#define MILTERWIRE_PIECE 65535u
/* Octets of the length in front. */
#define MILTERWIRE_LENGTH 4u

/* What a milter may want to do. */
#define MILTERWIRE_ADD_HEADERS 0x1u
#define MILTERWIRE_CHANGE_BODY 0x2u
#define MILTERWIRE_ADD_RECIPIENT 0x4u
#define MILTERWIRE_DELETE_RECIPIENT 0x8u
#define MILTERWIRE_CHANGE_HEADERS 0x10u
#define MILTERWIRE_QUARANTINE 0x20u
#define MILTERWIRE_CHANGE_FROM 0x40u

/* Steps that it does not want to see, or will not answer. */
#define MILTERWIRE_NO_CONNECT 0x1u
#define MILTERWIRE_NO_HELO 0x2u
#define MILTERWIRE_NO_MAIL 0x4u
#define MILTERWIRE_NO_RCPT 0x8u
#define MILTERWIRE_NO_BODY 0x10u
#define MILTERWIRE_NO_HEADERS 0x20u
#define MILTERWIRE_NO_EOH 0x40u
#define MILTERWIRE_QUIET_HEADER 0x80u
#define MILTERWIRE_NO_DATA 0x200u
#define MILTERWIRE_SKIP 0x400u
#define MILTERWIRE_QUIET_CONNECT 0x1000u
#define MILTERWIRE_QUIET_HELO 0x2000u
#define MILTERWIRE_QUIET_MAIL 0x4000u
#define MILTERWIRE_QUIET_RCPT 0x8000u
#define MILTERWIRE_QUIET_DATA 0x10000u
#define MILTERWIRE_QUIET_EOH 0x40000u
#define MILTERWIRE_QUIET_BODY 0x80000u
#define MILTERWIRE_LEADING_SPACE 0x100000u
#define MILTERWIRE_STEPS                                                       \
	(0x3ffu | MILTERWIRE_SKIP | MILTERWIRE_QUIET_CONNECT |                 \
		MILTERWIRE_QUIET_HELO | MILTERWIRE_QUIET_MAIL |                \
		MILTERWIRE_QUIET_RCPT | MILTERWIRE_QUIET_DATA |                \
		MILTERWIRE_QUIET_EOH | MILTERWIRE_QUIET_BODY |                 \
		MILTERWIRE_LEADING_SPACE)

enum milterwire_reply {
	MILTERWIRE_NEGOTIATED = 'O',
	MILTERWIRE_CONTINUE = 'c',
	MILTERWIRE_ACCEPT = 'a',
	MILTERWIRE_REJECT = 'r',
	MILTERWIRE_TEMPFAIL = 't',
	MILTERWIRE_DISCARD = 'd',
	MILTERWIRE_CODE = 'y', /* with a reply of its own */
	MILTERWIRE_SKIP_REST = 's',
	MILTERWIRE_PROGRESS = 'p',
	MILTERWIRE_ADD_HEADER = 'h',
	MILTERWIRE_INSERT_HEADER = 'i',
	MILTERWIRE_CHANGE_HEADER = 'm',
	MILTERWIRE_REPLACE_BODY = 'b',
	MILTERWIRE_ADD_RCPT = '+',
	MILTERWIRE_ADD_RCPT_PAR = '2',
	MILTERWIRE_DELETE_RCPT = '-',
	MILTERWIRE_CHANGE_SENDER = 'e',
	MILTERWIRE_QUARANTINED = 'q',
	MILTERWIRE_SHUTDOWN = '4',
	MILTERWIRE_FAIL = 'f'
};

struct milterwire_text {
	char const *s;
	size_t len;
};

struct milterwire_packet {
	enum milterwire_reply reply;
	uint32_t version, actions, steps; /* NEGOTIATED */
	uint32_t index;			  /* INSERT_, CHANGE_HEADER */
	struct milterwire_text name;	  /* of a header */
	/* Of a header; a reply's text; a reason; an address; of a body. */
	struct milterwire_text value;
};

/* The octets behind the length; 0: malformed, empty or too long. */
size_t milterwire_length(unsigned char const s[MILTERWIRE_LENGTH]);

/* Parse a packet, its letter first. Points into s. */
bool milterwire_parse(char const *s, size_t len,
	struct milterwire_packet *packet_r) __attribute__((warn_unused_result));

/*
 * A reply of three digits, an enhanced code or none, a text (RFC 5321 4.2): its
 * code in *code_r, the rest in *text_r, printable ASCII, one line, at most max
 * octets and a NUL. False: it is none of 4yz and 5yz.
 */
bool milterwire_reply_code(struct milterwire_text reply, unsigned *code_r,
	char *text_r, size_t max) __attribute__((warn_unused_result));

/* Begin a packet; put what is in it; end it. False: no memory. */
bool milterwire_begin(stralloc *out, char command, size_t *at_r)
	__attribute__((warn_unused_result));
bool milterwire_put(stralloc *out, char const *s, size_t len)
	__attribute__((warn_unused_result));
/* A NUL-ended string. */
bool milterwire_puts(stralloc *out, char const *s)
	__attribute__((warn_unused_result));
bool milterwire_put_u32(stralloc *out, uint32_t n)
	__attribute__((warn_unused_result));
void milterwire_end(stralloc *out, size_t at);

#endif
