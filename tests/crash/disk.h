/*
 * disk.h - what a disk may hold after the power has failed
 *
 * A recording tells which calls changed files and folders, when each began and
 * ended, and what was synced. From it any state can be made that a file system
 * may show after a cut, by rules that are weaker than those of any that is
 * known: what was not synced is there or not, one octet range or name
 * independent of the others, a write may be torn between sectors, and of a
 * rename alone this is certain: the old name is not gone unless the new one
 * stands.
 */
#ifndef DISK_H
#define DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define DISK_FOLDERS_MAX 32
#define DISK_NEVER UINT64_MAX

enum disk_folder_kind {
	DISK_QUEUE = 'q',   /* what the manager reads: new, cur, bad */
	DISK_PARTS = 't',   /* tmp of the queue: what the manager removes */
	DISK_MAILBOX = 'm', /* new of a maildir */
	DISK_REST = 'r'	    /* tmp of a maildir: nobody looks there */
};

struct disk_write {
	uint64_t begin, end, durable_at; /* DISK_NEVER: it never was synced */
	size_t offset, len;
	char *data;
};

struct disk_inode {
	uid_t uid;
	unsigned mode;
	struct disk_write *writes;
	size_t write_count;
};

/* A name begins (or, inode -1, ceases) to stand for a file. */
struct disk_change {
	uint64_t begin, end, durable_at;
	int inode;
	/* That part of a rename without which this can't be, or -1. */
	int other_name;
	size_t other_change;
};

struct disk_name {
	int folder;
	char *text;
	struct disk_change *changes;
	size_t change_count;
};

struct disk_folder {
	enum disk_folder_kind kind;
	char *path; /* below the state folder */
};

struct disk {
	struct disk_folder folders[DISK_FOLDERS_MAX];
	size_t folder_count;
	struct disk_inode *inodes;
	size_t inode_count;
	struct disk_name *names;
	size_t name_count;
	uint64_t begin, end; /* lines of the recording */
};

/* How far each name and each file of a state has come. */
struct disk_state {
	uint64_t cut;
	uint64_t chance; /* seed of what is torn */
	unsigned data_percent;
	int lost_inode;	      /* the one that lacks its data, or -1 */
	size_t *name_changes; /* changes that are there, for each name */
	uint64_t hash;	      /* of all but DISK_REST */
	uint64_t queue_hash;  /* of DISK_QUEUE */
};

/* Zeros, which no fork copies; exit on failure. */
void *disk_shared(size_t size);

/* Calls of the recording, in order of their beginnings; the rest of its lines
 * are the caller's. Exit on a recording that makes no sense. */
void disk_read_line(struct disk *d, char const *line, FILE *rest);

/* The len octets after a line that announces them, NUL-ended; the caller's. */
char *disk_read_octets(FILE *rest, size_t len);

/* The state number `variant` of a cut before line `cut`: 0 all that may be
 * lost is, 1 all that may be there is, 2 names without data, 3 data without
 * names, then by chance. s keeps its memory between calls. */
void disk_choose(struct disk const *d, uint64_t cut, unsigned variant,
	uint64_t chance, struct disk_state *s);

/* The file that name n stands for, or -1. */
int disk_inode_of(struct disk const *d, struct disk_state const *s, size_t n);

/* Its content; the length in *len_r. Valid until the next call. is_whole_r:
 * all that was written before the cut is there. */
char const *disk_content(struct disk const *d, struct disk_state const *s,
	int inode, size_t *len_r, bool *is_whole_r);

#endif
