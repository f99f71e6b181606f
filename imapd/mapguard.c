/* Maps of files that others may cut off; see mapguard.h. */
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "imapd/mapguard.h"

#define PAGE ((uintptr_t)4096)

static struct {
	char *map; /* NULL: free */
	size_t len;
	volatile sig_atomic_t torn;
} maps[MAPGUARD_MAX];

/* Lay pages of 0 over what the file has lost. False: it is none of ours. */
static bool
patch(char *at)
{
	uintptr_t const page = (uintptr_t)at & ~(PAGE - 1);

	for (size_t k = 0; k < MAPGUARD_MAX; k++) {
		uintptr_t const start = (uintptr_t)maps[k].map;

		if (maps[k].map == NULL || page < start ||
			page - start >= maps[k].len)
			continue;
		maps[k].torn = 1;
		return mmap(maps[k].map + (page - start),
			       maps[k].len - (page - start), PROT_READ,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			       0) != MAP_FAILED;
	}
	return false;
}

static void
caught(int number, siginfo_t *info, void *context)
{
	(void)context;
	/* It comes again, and ends us. */
	if (!patch(info->si_addr))
		(void)signal(number, SIG_DFL);
}

static bool catch (void)
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	action.sa_sigaction = caught;
	action.sa_flags = SA_SIGINFO;
	return sigaction(SIGBUS, &action, NULL) == 0;
}

static size_t
find(void const *map)
{
	size_t k = 0;

	while (k < MAPGUARD_MAX && maps[k].map != map)
		k++;
	return k;
}

bool
mapguard_add(void *map, size_t len)
{
	size_t const k = find(NULL);

	if (k == MAPGUARD_MAX || !catch ())
		return false;
	maps[k].map = map;
	maps[k].len = len;
	maps[k].torn = 0;
	return true;
}

bool
mapguard_is_whole(void const *map)
{
	size_t const k = find(map);

	return map == NULL || k == MAPGUARD_MAX || !maps[k].torn;
}

void
mapguard_remove(void const *map)
{
	size_t const k = find(map);

	if (map != NULL && k < MAPGUARD_MAX)
		maps[k].map = NULL;
}
