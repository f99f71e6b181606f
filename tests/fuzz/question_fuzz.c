/* SASL PLAIN messages, as clients of all services send them. */
#include <stdlib.h>
#include "common/monitor/question.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct question q = {0};

	question_set_client(
		&q, (char const *)data, size, (char const *)data, size);
	if (!question_read(&q, (char const *)data, size, "our.test"))
		return 0;
	if (q.user_len == 0 || q.user_len > sizeof q.user ||
		q.password_len == 0 || q.password[q.password_len] != '\0')
		abort();
	return 0;
}
