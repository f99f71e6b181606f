/* Every decoder of the monitor's and auth's pairs; what decodes encodes to the
 * same octets. */
#include <stdlib.h>
#include <string.h>
#include "common/monitor/login.h"

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
	char again[REQUEST_FRAME_MAX * 2];
	struct request request;
	struct template_order order;
	struct role_session session;
	struct login_step step;
	unsigned char const *signature;
	char const *text;
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
	/* A truth is any octet but 0 there. */
	if (template_decode(s, size, &order) &&
		order.client_len > REQUEST_CLIENT_MAX)
		abort();
	if (role_session_decode(s, size, &session) && session.service_len == 0)
		abort();
	if (request_admit_decode(s, size, &ticket, &text, &len))
		same(again,
			request_admit_encode(
				again, sizeof again, ticket, text, len),
			s, size);
	if (login_step_decode(s, size, &step))
		same(again, login_step_encode(again, sizeof again, &step), s,
			size);
	if (login_answer_decode(s, size, &v, &text, &len))
		same(again,
			login_answer_encode(again, sizeof again, v, text, len),
			s, size);
	return 0;
}
