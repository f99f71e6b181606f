/*
 * signing.h - having messages signed before they go to other hosts
 *
 * Questions to the signer (signask.h), some at a time; nothing here waits. A
 * signer that dies is followed by another, which is asked again; a message that
 * several have died with is put off. What must be signed never goes unsigned,
 * unless the setting send-unsigned says that it may when there is no signer.
 */
#ifndef SIGNING_H
#define SIGNING_H

#include <stdbool.h>
#include <stdint.h>
#include "common/table.h"
#include "queue/queued.h"

/* All recipients of a message. */
#define SIGNING_ALL SIZE_MAX

/* An answer: m has its lines (m->is_signed), or the recipient its own, if
 * is_done; else it could not be signed now. m->open was lowered, and
 * settle_over is the callee's to call. */
typedef void signing_done(struct queued *m, size_t recipient, bool is_done);

void signing_init(struct table const *settings, signing_done *done);

/* A new pair to a signer; fd is taken. */
void signing_set_signer(int fd);

/* Whether m must be asked for before it goes out: there are keys, and it is of
 * somebody whom we sign for, or sent on. */
bool signing_wants(struct queued const *m);

/*
 * Ask, for all or for a recipient whose copy has fields of its own
 * (queued_unsubscribe). Raises m->open until done is called, later. False: no
 * memory.
 */
bool signing_ask(struct queued *m, size_t recipient)
	__attribute__((warn_unused_result));

/* A signer that does not answer; and none for long. About twice a second. */
void signing_tick(void);

/* In a forked child: let go of the pair. */
void signing_leave(void);

#endif
