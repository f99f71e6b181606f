/* The file `forward`; see forwardfile.h. */
#include <string.h>
#include <strings.h>
#include "local/forwardfile.h"
#include "local/sieve/name.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool
put(stralloc *out, char const *s)
{
	return stralloc_cats(out, s);
}

/* Its message is not kept for its own sake. */
static bool
put_program(stralloc *out, char const *s, size_t len, stralloc *programs)
{
	if (programs == NULL || memchr(s, '\0', len) != NULL)
		return put(out, "redirect \"no program can be run here\";");
	return put(out, "discard;") && stralloc_catb(programs, s, len) &&
	       stralloc_0(programs);
}

static bool
put_line(stralloc *out, char const *s, size_t len, stralloc *programs)
{
	char address[SIEVE_NAME_ADDRESS_MAX];
	size_t n;

	while (len > 0 && is_blank(*s)) {
		s++;
		len--;
	}
	while (len > 0 && is_blank(s[len - 1]))
		len--;
	if (len == 0 || *s == '#')
		return true;
	if (len == 4 && strncasecmp(s, "keep", 4) == 0)
		return put(out, "keep;");
	if (*s == '|')
		return put_program(out, s + 1, len - 1, programs);
	if (!sieve_name_address_of(s, len, address, &n))
		return put(out, "redirect \"no address\";");
	if (!put(out, "redirect \""))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((address[i] == '"' || address[i] == '\\')
				? !put(out, "\\") ||
					  !stralloc_append(out, address[i])
				: !stralloc_append(out, address[i]))
			return false;
	return put(out, "\";");
}

bool
forwardfile_script(stralloc *out, char const *s, size_t len, stralloc *programs)
{
	while (len > 0) {
		char const *const lf = memchr(s, '\n', len);
		size_t const n = lf != NULL ? (size_t)(lf - s) : len;

		if (!put_line(out, s, n, programs) || !put(out, "\n"))
			return false;
		s += n + (lf != NULL);
		len -= n + (lf != NULL);
	}
	return true;
}
