/*
 * text_merge.h - makes one segment of the text index of several
 */
#ifndef TEXT_MERGE_H
#define TEXT_MERGE_H

#include "imapd/mailbox.h"
#include "imapd/text_segment.h"

/*
 * Write the segments v[0..count) as the file name in dir_fd, without the
 * messages that are not in m any more. Memory: some octets a message.
 *
 * docs_r, size_r  messages and octets of the new one
 *
 * 1 done, 0 one of them is damaged, -1 failed (errno).
 */
int text_merge(struct text_segment *const *v, size_t count,
	struct mailbox const *m, int dir_fd, char const *name,
	uint32_t validity, uint32_t *docs_r, uint64_t *size_r)
	__attribute__((warn_unused_result));

#endif
