/*
 * room.h - telling those who accept mail how much room there is
 *
 * The manager looks at the disk of the queue and publishes what it finds in
 * queue/load, a small text file of fixed length that it writes over:
 * kereru-queue(5). Who accepts mail has it open and reads it before it asks a
 * client for a message, so that a full disk is told before the message was
 * sent, and intake waits for a manager that does not keep up.
 */
#ifndef ROOM_H
#define ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum room {
	ROOM_PLENTY,
	ROOM_SCARCE, /* below a tenth: slow down */
	ROOM_NONE    /* below a fiftieth: only what the queue itself needs */
};

/* What is free of all, in blocks or inodes; a file system that does not count
 * them (all is 0) has plenty. Pure. */
enum room room_judge(uint64_t free, uint64_t all);

/* Look, and publish if the answer or one of the numbers has changed much; every
 * few seconds. waiting: messages that wait for a time or a line; behind: files
 * in new that the manager has no room to take. */
void room_tick(size_t waiting, size_t behind);

/* Publish that a mailbox has no room, or has it again (fullbox.h). now: seconds
 * since 1970. */
void room_mailbox(char const *name, size_t len, bool is_full, uint64_t now);

#endif
