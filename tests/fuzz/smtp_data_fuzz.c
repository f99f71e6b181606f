/* Any octets behind DATA, in any pieces, against a simple model of RFC 5321
 * that looks at one octet at a time. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "smtpd/data.h"
#include "smtpd/glance.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

struct model {
	size_t end; /* octets up to and with the end, or SIZE_MAX */
	unsigned flaws;
	char *out;
	size_t out_len;
};

static void
model_run(struct model *m, char const *s, size_t len)
{
	m->end = SIZE_MAX;
	for (size_t i = 0; i < len; i++) {
		int start = i == 0 ||
			    (i >= 2 && s[i - 1] == '\n' && s[i - 2] == '\r');

		if (start && s[i] == '.') {
			if (i + 2 < len && s[i + 1] == '\r' &&
				s[i + 2] == '\n') {
				m->end = i + 3;
				return;
			}
			continue;
		}
		if (s[i] == '\0')
			m->flaws |= SMTP_DATA_NUL;
		if (s[i] == '\r' && i + 1 < len && s[i + 1] != '\n')
			m->flaws |= SMTP_DATA_BARE_CR;
		if (s[i] == '\n' && (i == 0 || s[i - 1] != '\r'))
			m->flaws |= SMTP_DATA_BARE_LF;
		m->out[m->out_len++] = s[i];
	}
}

/* The same octets as a message in chunks: no dots, no end. */
static void
run_chunks(char const *s, size_t len, size_t step)
{
	struct smtp_data d = SMTP_DATA_ZERO;
	unsigned flaws = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\0')
			flaws |= SMTP_DATA_NUL;
		if (s[i] == '\r' && i + 1 < len && s[i + 1] != '\n')
			flaws |= SMTP_DATA_BARE_CR;
		if (s[i] == '\n' && (i == 0 || s[i - 1] != '\r'))
			flaws |= SMTP_DATA_BARE_LF;
	}
	for (size_t i = 0; i < len; i += step)
		smtp_data_chunk(&d, s + i, len - i < step ? len - i : step);
	if (d.flaws != flaws || d.longest > len)
		abort();
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct smtp_data d = SMTP_DATA_ZERO;
	struct smtp_glance h = SMTP_GLANCE_ZERO;
	struct model m = {0};
	size_t step, eaten = 0, out_len = 0;
	char *out;

	if (size < 2)
		return 0;
	step = data[0] % 17 + 1u;
	char const *s = (char const *)data + 1;
	size--;
	run_chunks(s, size, step);
	m.out = malloc(size);
	out = malloc(size);
	if (m.out == NULL || out == NULL)
		abort();
	model_run(&m, s, size);
	while (eaten < size && d.state != SMTP_DATA_END) {
		size_t left = size - eaten, span_len;
		char const *span;
		size_t n = smtp_data_push(&d, s + eaten,
			left < step ? left : step, &span, &span_len);

		if (n == 0 || n > left || span < s ||
			span + span_len > s + size)
			abort();
		memcpy(out + out_len, span, span_len);
		out_len += span_len;
		eaten += n;
		smtp_glance_push(&h, span, span_len);
	}
	if (d.state == SMTP_DATA_END) {
		if (eaten != m.end || d.flaws != m.flaws)
			abort();
		if (d.flaws == 0 && (out_len != m.out_len ||
					    memcmp(out, m.out, out_len) != 0))
			abort();
	} else if (m.end != SIZE_MAX) {
		abort();
	}
	free(m.out);
	free(out);
	return 0;
}
