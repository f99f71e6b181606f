/*
 * layer.h - a message that is being unlocked, or what came out of one
 *
 * Finds what in it has to do with keys. For unlock.c alone.
 */
#ifndef MIME_LAYER_H
#define MIME_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skalibs/stralloc.h>

#include "mime/message.h"

enum layer_kind {
	LAYER_OTHER,
	LAYER_WITHIN, /* there is something in it */
	LAYER_SIGNED,
	LAYER_ENCRYPTED, /* OpenPGP */
	LAYER_CMS,	 /* application/pkcs7-mime */
	LAYER_ARMOR,	 /* text with blocks */
	LAYER_HTML	 /* HTML with an encrypted block */
};

struct layer {
	struct message m;
	uint8_t kinds[STRUCTURE_PARTS_MAX]; /* enum layer_kind */
	char const *inside; /* "" or what its part numbers start with */
	bool html;	    /* there is HTML to be shown */
};

/* Parse l->m.text and find the kinds. All of these return false, or -1, only
 * when memory is out. */
bool layer_parse(struct layer *l) __attribute__((warn_unused_result));

/* Has part i this type? i may be STRUCTURE_NONE. */
bool layer_is(struct layer const *l, uint32_t i, char const *type);

/* The n-th child from 0, made-up ones not counted; or STRUCTURE_NONE. */
uint32_t layer_child(struct layer const *l, uint32_t i, unsigned n);

/* Has Content-Type this parameter with this value? */
int layer_parameter_is(struct layer const *l, uint32_t i, char const *name,
	char const *value) __attribute__((warn_unused_result));

/* Of an encrypted message the part with the octets, else STRUCTURE_NONE. */
uint32_t layer_encrypted_part(struct layer const *l, uint32_t i);

/* Its number for people ("2.1", "decrypted 1") in name; *part_r is NULL for
 * what is the whole, else name->s. */
bool layer_name(struct layer const *l, uint32_t i, bool whole, stralloc *name,
	char const **part_r) __attribute__((warn_unused_result));

/* Would the text end a multipart that part i is in? */
int layer_breaks_out(struct layer const *l, uint32_t i, stralloc const *text)
	__attribute__((warn_unused_result));

#endif
