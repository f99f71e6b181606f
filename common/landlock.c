/* See landlock.h. */
#include <errno.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "common/landlock.h"

/* Landlock's rights by ABI, as the kernel defines them: Debian 12's header
 * ends at ABI 2. */
#define ABI1_RIGHTS ((UINT64_C(1) << 13) - 1)
#define ABI2_REFER (UINT64_C(1) << 13)
#define ABI3_TRUNCATE (UINT64_C(1) << 14)
#define ABI5_IOCTL_DEV (UINT64_C(1) << 15)
#define READ_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_RIGHTS                                                           \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |       \
		LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | \
		LANDLOCK_ACCESS_FS_MAKE_REG | ABI2_REFER | ABI3_TRUNCATE)
#define NET_BIND UINT64_C(1)
#define NET_CONNECT UINT64_C(2)

/* struct landlock_ruleset_attr since ABI 4; older kernels take its front. */
struct ruleset {
	uint64_t fs, net;
};

static bool
add_paths(int rules, int const *fds, size_t count, uint64_t rights)
{
	for (size_t i = 0; i < count; i++) {
		struct landlock_path_beneath_attr path = {
			.allowed_access = rights, .parent_fd = fds[i]};
		if (syscall(SYS_landlock_add_rule, rules,
			    LANDLOCK_RULE_PATH_BENEATH, &path, 0) < 0)
			return false;
	}
	return true;
}

int
landlock_enter(struct sandbox const *s)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
		LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset r = {.fs = ABI1_RIGHTS};
	int rules;
	bool ok;

	if (abi < 1)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -1;
	r.fs |= (abi >= 2 ? ABI2_REFER : 0) | (abi >= 3 ? ABI3_TRUNCATE : 0) |
		(abi >= 5 ? ABI5_IOCTL_DEV : 0);
	r.net = (s->may_bind ? 0 : NET_BIND) |
		(s->may_connect ? 0 : NET_CONNECT);
	rules = (int)syscall(SYS_landlock_create_ruleset, &r,
		abi >= 4 ? sizeof r : sizeof r.fs, 0);
	if (rules < 0)
		return -1;
	ok = add_paths(rules, s->read_only, s->read_only_count, READ_RIGHTS) &&
	     add_paths(rules, s->read_write, s->read_write_count,
		     (READ_RIGHTS | WRITE_RIGHTS |
			     (s->may_link ? LANDLOCK_ACCESS_FS_MAKE_SYM : 0)) &
			     r.fs) &&
	     syscall(SYS_landlock_restrict_self, rules, 0) == 0;
	close(rules);
	return ok ? 1 : -1;
}
