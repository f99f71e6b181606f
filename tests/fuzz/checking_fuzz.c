/* Every decoder of the pairs to check and policy; what decodes encodes to the
 * same octets. */
#include <stdlib.h>
#include <string.h>
#include "common/wire.h"
#include "smtpd/checking.h"
#include "smtpd/policing.h"

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

static void
same(char const *again, size_t again_len, char const *s, size_t len)
{
	if (again_len != len || memcmp(again, s, len) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
	static char again[WIRE_FRAME_MAX];
	char const *s = (char const *)data;
	struct checking_message m;
	struct checking_verdict v;
	struct checking_bytes lines;
	struct policing_question q;
	struct policing_answer a;
	stralloc to = STRALLOC_ZERO;
	size_t count = 0, used;

	if (size > sizeof again)
		return 0;
	if (checking_message_decode(s, size, &m))
		same(again, checking_message_encode(again, sizeof again, &m), s,
			size);
	if (checking_recipients_decode(s, size, &to, &count))
		same(again,
			checking_recipients_encode(
				again, sizeof again, to.s, to.len, &used),
			s, size);
	stralloc_free(&to);
	if (checking_verdict_decode(s, size, &v))
		same(again, checking_verdict_encode(again, sizeof again, &v), s,
			size);
	if (checking_lines_decode(s, size, &lines))
		same(again,
			checking_lines_encode(
				again, sizeof again, lines.s, lines.len),
			s, size);
	if (policing_question_decode(s, size, &q))
		same(again, policing_question_encode(again, sizeof again, &q),
			s, size);
	if (policing_answer_decode(s, size, &a))
		same(again, policing_answer_encode(again, sizeof again, &a), s,
			size);
	return 0;
}
