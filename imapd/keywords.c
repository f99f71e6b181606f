/* Keywords by their names in commands; see keywords.h. */
#include "imapd/keywords.h"

/* Returns how many are missing. */
static unsigned
collect(struct keywords const *k, struct flag_args const *args,
	uint32_t *bits_r)
{
	unsigned missing = 0;

	*bits_r = 0;
	for (unsigned i = 0; i < args->keywords_count; i++) {
		int const n = keywords_find(
			k, args->keywords[i].s, args->keywords[i].len);

		if (n >= 0)
			*bits_r |= UINT32_C(1) << n;
		else
			missing++;
	}
	return missing;
}

static bool
add_missing(struct keywords *k, int folder_fd, struct flag_args const *args)
{
	struct keyword list[2 * FLAG_KEYWORDS_MAX];

	for (unsigned i = 0; i < args->keywords_count; i++)
		list[i] = (struct keyword){
			args->keywords[i].s, args->keywords[i].len};
	return keywords_add(k, folder_fd, list, args->keywords_count);
}

bool
keywords_bits(struct keywords *k, int folder_fd, struct flag_args const *args,
	bool add, uint32_t *bits_r, bool *added_r)
{
	if (added_r != NULL)
		*added_r = false;
	if (collect(k, args, bits_r) == 0 || !add)
		return true;
	if (!add_missing(k, folder_fd, args))
		return false;
	if (added_r != NULL)
		*added_r = true;
	return collect(k, args, bits_r) == 0;
}
