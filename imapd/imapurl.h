/*
 * imapurl.h - URLs of messages and their parts (RFC 5092; RFC 4469, 3)
 *
 * Those of this session's own mailboxes alone, as CATENATE has them:
 *
 *   /Drafts;UIDVALIDITY=385759045/;UID=20/;SECTION=1.MIME/;PARTIAL=0.1024
 *
 * A relative one ("/;UID=20" is one of RFC 5092, 7.1) means the selected
 * mailbox. Pure.
 */
#ifndef IMAPURL_H
#define IMAPURL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/boxname.h"

#define IMAPURL_SECTION_MAX 1024

struct imapurl {
	char mailbox[BOXNAME_MAX + 1]; /* checked; empty: the selected one */
	uint32_t validity;	       /* 0: not given */
	uint32_t uid;
	char section[IMAPURL_SECTION_MAX];
	size_t section_len;
	bool partial;
	uint32_t origin, length; /* length 0: to the end */
};

bool imapurl_parse(char const *s, size_t len, struct imapurl *url_r)
	__attribute__((warn_unused_result));

#endif
