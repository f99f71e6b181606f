/* What remote gets out of tables, and looks for in a header. */
#include <stddef.h>
#include <stdint.h>
#include "common/admin/tlsrpt_report.h"
#include "remote/login.h"
#include "remote/outgoing.h"
#include "remote/tlspolicy.h"
#include "remote/tlsrequired.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t len);
int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t len)
{
	static struct tlspolicy policy;
	static struct login_out login;
	static struct outgoing outgoing;
	char const *s = (char const *)data;
	struct tlsrpt_line line;

	(void)tlspolicy_parse(s, len, &policy);
	(void)login_out_parse(s, len, &login);
	(void)tlsrequired_is_no(s, len);
	(void)tlsrpt_line_parse(s, len, &line);
	if (outgoing_parse(s, len, &outgoing))
		(void)outgoing_choose(&outgoing, s, len, 1);
	return 0;
}
