/* What the walls between the programs are made of. */
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "common/admin/check/doctor.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif
#define LANDLOCK_VERSION 1u

/* Of a link in a folder that others can write to, no owner's is followed. */
static void
links(struct doctor *d, char const *name)
{
	char path[64], key[64];
	FILE *f;
	int value = -1;

	snprintf(path, sizeof path, "/proc/sys/fs/%s", name);
	snprintf(key, sizeof key, "fs.%s", name);
	f = fopen(path, "re");
	if (f == NULL)
		return;
	if (fscanf(f, "%d", &value) == 1 && value == 0)
		doctor_find(d, FIND_KERNEL_LINKS, 0, path, key, NULL, NULL);
	fclose(f);
}

void
kernel_examine(struct doctor *d)
{
	struct utsname u;
	uint32_t action = SECCOMP_RET_ERRNO;
	char name[200] = "the kernel";

	if (uname(&u) == 0)
		snprintf(name, sizeof name, "Linux %s", u.release);
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION) < 1)
		doctor_find(d, FIND_KERNEL_LANDLOCK, 0, name, NULL, NULL, NULL);
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0)
		doctor_find(d, FIND_KERNEL_SECCOMP, 0, name, NULL, NULL, NULL);
	links(d, "protected_hardlinks");
	links(d, "protected_symlinks");
}
