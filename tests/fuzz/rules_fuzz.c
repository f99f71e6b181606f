/* The rule table, from text that nobody checked. */
#include "smtpd/check/rules.h"

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

int
LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
	static struct rules rules;
	struct rules_facts facts = {.words = {[RULES_SPF] = "fail"}};
	char const *why;
	unsigned line;

	if (size > RULES_BYTES_MAX)
		return 0;
	(void)!rules_parse(&rules, (char const *)data, size, &line, &why);
	for (size_t i = 0; i < rules.count; i++)
		(void)rules_hold(&rules, &rules.statements[i], &facts);
	return 0;
}
