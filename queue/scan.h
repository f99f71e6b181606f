/*
 * scan.h - finding queue files: by notification, and by looking
 */
#ifndef SCAN_H
#define SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* List cur as it stands, before anything is moved there; watch new. errno. */
bool scan_init(void) __attribute__((warn_unused_result));

/* Look at new once more from the start. */
void scan_again(void);

/* Files in new that wait because there is no room for them in memory, as far as
 * SCAN_BACKLOG_MAX. */
#define SCAN_BACKLOG_MAX 20000
size_t scan_backlog(void);

/* Take some of what there is. True: there is more to do at once. */
bool scan_run(void);

#endif
