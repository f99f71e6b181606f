/* What LANG answers; see language.h. */
#include <string.h>
#include <strings.h>

#include "pop3d/language.h"

char const *
pop3_language(struct pop3_command const *c)
{
	static char const *const ranges[] = {"*", "en", "i-default"};
	char const *s = c->text;
	size_t len = c->text_len;

	while (len > 0 && s[len - 1] == ' ')
		len--;
	if (len == 0)
		return "+OK Languages:\r\nen English\r\n.\r\n";
	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
		if (strlen(ranges[i]) == len &&
			strncasecmp(s, ranges[i], len) == 0)
			return "+OK en English it is\r\n";
	return "-ERR en No such language\r\n";
}
