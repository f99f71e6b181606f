/* Any envelope: what is taken lies inside the input and is written back alike.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "common/queuefile.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
check_inside(char const *p, size_t n, char const *s, size_t len)
{
	if (p < s || n > len || p > s + len - n)
		abort();
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct queuefile_recipient all[16], again[16];
	char const *s = (char const *)data;
	stralloc sa = STRALLOC_ZERO;
	struct queuefile q, p;

	if (queuefile_parse(s, size, all, 16, &q) <= 0)
		return 0;
	check_inside(q.sender, q.sender_len, s, size);
	check_inside(q.origin, q.origin_len, s, size);
	if (q.envid != NULL)
		check_inside(q.envid, q.envid_len, s, size);
	if (q.unsubscribe != NULL)
		check_inside(q.unsubscribe, q.unsubscribe_len, s, size);
	if (q.command != NULL)
		check_inside(q.command, q.command_len, s, size);
	if (q.envelope_len > size ||
		q.message_offset + q.message_len > q.file_size ||
		q.added_offset + q.added_len > q.file_size)
		abort();
	for (size_t i = 0; i < q.recipient_count; i++) {
		check_inside(all[i].address, all[i].address_len, s, size);
		if (all[i].state_offset >= q.envelope_len ||
			s[all[i].state_offset] != (char)all[i].state)
			abort();
		if (all[i].orcpt != NULL)
			check_inside(all[i].orcpt, all[i].orcpt_len, s, size);
		if (all[i].token != NULL)
			check_inside(all[i].token, all[i].token_len, s, size);
		if (all[i].why_offset > 0)
			check_inside(s + all[i].why_offset, QUEUEFILE_WHY_WIDTH,
				s, q.envelope_len);
	}
	if (!queuefile_format(&sa, &q) ||
		sa.len > QUEUEFILE_VERP_ENVELOPE_MAX ||
		(q.envelope_len == sa.len &&
			queuefile_parse(sa.s, sa.len, again, 16, &p) != 1))
		abort();
	stralloc_free(&sa);
	return 0;
}
