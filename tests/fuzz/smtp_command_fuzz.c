/* Any command line, and any preamble: what is found lies inside the input. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "smtpd/command.h"
#include "smtpd/preamble.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
within(char const *s, size_t size, char const *part, size_t len)
{
	if (part < s || part > s + size || len > size - (size_t)(part - s))
		abort();
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	char const *s = (char const *)data;
	struct smtp_command c;
	struct smtp_path path;
	struct smtp_preamble p, q;
	enum smtp_path_error e;
	enum addr_error ae;
	char text[SMTP_PREAMBLE_MAX];
	size_t used;

	(void)smtp_line_check(s, size);
	smtp_command_parse(s, size, &c);
	within(s, size, c.argument, c.argument_len);
	if (smtp_path_parse(c.argument, c.argument_len,
		    c.verb == SMTP_MAIL ? "FROM:" : "TO:",
		    ADDR_ALLOW_EMPTY | ADDR_ALLOW_POSTMASTER | ADDR_ALLOW_LONG,
		    ~0u, &path, &e, &ae)) {
		struct smtp_parameters const *given = &path.parameters;

		within(c.argument, c.argument_len, path.address.whole,
			path.address.whole_len);
		if (given->envid != NULL)
			within(c.argument, c.argument_len, given->envid,
				given->envid_len);
		if (given->orcpt != NULL)
			within(c.argument, c.argument_len, given->orcpt,
				given->orcpt_len);
	}
	if (smtp_preamble_parse(s, size, &p, &used) <= 0)
		return 0;
	if (used > size)
		abort();
	size = smtp_preamble_format(text, &p);
	if (smtp_preamble_parse(text, size, &q, &used) != 1 || used != size ||
		strcmp(p.helo, q.helo) != 0 || strcmp(p.tls, q.tls) != 0)
		abort();
	return 0;
}
