/*
 * table.h - looking things up in the compiled tables (cdb)
 *
 * `kereru compile` turns the text files in /etc/kereru into constant databases
 * that it replaces by rename. A process gets them as open descriptors or, where
 * it may, opens them in the tables' folder and notices when a newer one stands
 * there. tables(5) says what each holds.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <skalibs/cdb.h>

struct table {
	cdb map;
	bool open;
	dev_t device; /* of the file that is mapped, to notice a newer one */
	ino_t inode;
};
#define TABLE_ZERO {.map = CDB_ZERO, .open = false}

/* Map the table that is open on fd; fd may be closed afterwards. errno. */
bool table_open_fd(struct table *t, int fd)
	__attribute__((warn_unused_result));

/* Open folder/name, or keep what is mapped if it is still the newest. errno;
 * on failure what was mapped stays. */
bool table_refresh(struct table *t, int folder_fd, char const *name)
	__attribute__((warn_unused_result));

void table_close(struct table *t);

/*
 * Find key. 1 found, value_r points into the map until the next refresh or
 * close; 0 not there; -1 the table is damaged or not open.
 */
int table_find(struct table const *t, char const *key, size_t key_len,
	char const **value_r, size_t *value_len_r)
	__attribute__((warn_unused_result));

#endif
