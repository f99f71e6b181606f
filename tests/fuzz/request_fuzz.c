/* Every decoder of the monitor's and auth's pairs; what decodes encodes to the
 * same octets. */
#include <stdlib.h>
#include <string.h>
#include "common/monitor/request.h"

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
	char const *s = (char const *)data;
	char again[REQUEST_FRAME_MAX];
	struct request request;
	struct auth_question question;
	unsigned char const *signature;
	char const *mailbox;
	enum request_verdict v;
	uint32_t ticket;
	size_t len;

	if (request_decode(s, size, &request))
		same(again, request_encode(again, sizeof again, &request), s,
			size);
	if (request_signature_decode(s, size, &signature, &len))
		same(again,
			request_signature_encode(
				again, sizeof again, signature, len),
			s, size);
	if (request_verdict_decode(s, size, &v, &mailbox, &len))
		same(again,
			request_verdict_encode(
				again, sizeof again, v, mailbox, len),
			s, size);
	if (auth_question_decode(s, size, &question))
		same(again,
			auth_question_encode(again, sizeof again, &question), s,
			size);
	if (auth_answer_decode(s, size, &ticket, &v, &mailbox, &len))
		same(again,
			auth_answer_encode(
				again, sizeof again, ticket, v, mailbox, len),
			s, size);
	return 0;
}
