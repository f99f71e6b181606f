/*
 * room.h - telling those who accept mail how much room there is
 *
 * The manager looks at the disk of the queue and publishes what it finds in
 * queue/load, a small text file that it replaces by rename: kereru-queue(5).
 * Who accepts mail reads it before it asks a client for a message, so that a
 * full disk is told before the message was sent.
 */
#ifndef ROOM_H
#define ROOM_H

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

/* Look, and publish if the answer or the number of messages that wait has
 * changed much; every few seconds. */
void room_tick(size_t messages);

#endif
