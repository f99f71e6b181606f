/*
 * syscalls.h - who may call what
 *
 * One row for each enum sandbox_filter (sandbox.h); `@name` takes in all of
 * another row or group. sandbox_gen turns the rows into filters at build time.
 * A filter is inherited over fork and exec: the row of a parent holds the rows
 * of its children.
 *
 * mmap and mprotect are allowed without PROT_EXEC only; fcntl without what has
 * the kernel send signals (F_SETOWN, F_SETSIG, F_NOTIFY, leases), which would
 * be a kill by another name; clone for a plain fork only: no threads, no
 * namespaces. `name:any` allows a call whatever its arguments, `socket:unix`
 * only sockets of this host.
 */
#ifndef SYSCALLS_H
#define SYSCALLS_H

#include "common/sandbox.h"

struct syscalls_row {
	char const *name;
	char const *calls;
};

static struct syscalls_row const syscalls_groups[] = {
	/* what every C program does when it does nothing */
	{"base",
		"read write readv writev close exit exit_group brk mmap munmap "
		"mremap mprotect madvise futex rt_sigreturn rt_sigprocmask "
		"rt_sigaction clock_gettime clock_nanosleep nanosleep getpid "
		"gettid getrandom fstat lseek fcntl poll ppoll "
		"restart_syscall sched_yield getuid geteuid getgid getegid "
		"gettimeofday time sysinfo uname"},
	/* our own pairs, and sockets that are open already */
	{"pair", "recvmsg sendmsg recvfrom sendto shutdown"},
	/* making a queue file through the folders' descriptors */
	{"drop", "openat renameat renameat2 unlinkat fchmod fsync pwrite64 "
		 "pread64"},
	/* reading and changing the files of a folder that Landlock fences */
	{"files",
		"@drop open stat lstat newfstatat statx getdents64 mkdir "
		"mkdirat rmdir unlink rename link linkat ftruncate fdatasync "
		"utimensat access faccessat faccessat2 readlink readlinkat "
		"chdir fchdir getcwd flock copy_file_range sendfile fadvise64 "
		"umask dup dup2 dup3 fallocate sync_file_range"},
	{"watch", "inotify_init1 inotify_add_watch inotify_rm_watch"},
	/* a child of the same program, and its end */
	{"fork", "fork clone wait4 waitid set_robust_list rseq "
		 "set_tid_address close_range signalfd signalfd4 "
		 "rt_sigtimedwait getppid"},
	{"wait", "epoll_create1 epoll_ctl epoll_wait epoll_pwait pipe2 "
		 "timerfd_create timerfd_settime eventfd2"},
	/* becoming someone else and closing a sandbox */
	{"confine",
		"chroot chdir fchdir setgroups setresgid setresuid setuid "
		"setgid getresuid getresgid getgroups prctl seccomp prlimit64 "
		"setrlimit getrlimit landlock_create_ruleset "
		"landlock_add_rule landlock_restrict_self setsid"},
	/* what the loader and libc do before main */
	{"exec", "execve execveat arch_prctl set_tid_address set_robust_list "
		 "rseq readlink prlimit64 ioctl dup2 dup3 access faccessat "
		 "newfstatat stat"},
	/* a program that is linked dynamically, and what it starts */
	{"program",
		"@exec @fork @files mmap:any mprotect:any mlock munlock "
		"getrusage times pipe pipe2 select pselect6 statfs fstatfs "
		"setsid kill prctl setrlimit getrlimit sched_getaffinity"},
	{"network",
		"socket connect bind getsockname getpeername getsockopt "
		"setsockopt recvfrom sendto sendmsg recvmsg sendmmsg shutdown "
		"select pselect6 ioctl"},
};

static struct syscalls_row const syscalls_rows[SANDBOX_FILTERS] = {
	[SANDBOX_MONITOR] = {"monitor",
		"@front @smtpd @pop3d @imapd @sieved @fork @wait @confine "
		"@exec accept4 accept socketpair setsockopt getsockopt "
		"getpeername getsockname alarm setitimer kill "
		"socket:unix connect memfd_create"},
	[SANDBOX_AUTH] = {"auth",
		"@base @pair @fork @wait accept4 getsockopt dup2 pread64 "
		"newfstatat"},
	[SANDBOX_FRONT] = {"front", "@base @pair"},
	[SANDBOX_SMTPD] = {"smtpd", "@base @pair @drop"},
	[SANDBOX_STARTER] = {"starter",
		"@manager @spawner @local-spawner @signer @exec kill"},
	[SANDBOX_MANAGER] = {"manager",
		"@base @pair @files @watch @fork @wait fstatfs"},
	[SANDBOX_SPAWNER] = {"spawner",
		"@remote @fork @wait @confine socketpair alarm openat"},
	[SANDBOX_REMOTE] = {"remote", "@base @pair @network pread64 "
				      "newfstatat epoll_create1 epoll_ctl "
				      "epoll_wait"},
	[SANDBOX_LOCAL_SPAWNER] = {"local-spawner",
		"@local @fork @wait @confine socketpair alarm"},
	[SANDBOX_LOCAL] = {"local", "@base @pair @files memfd_create"},
	[SANDBOX_STARTER_GPG] = {"starter-gpg",
		"@starter @local-spawner-gpg"},
	[SANDBOX_LOCAL_SPAWNER_GPG] = {"local-spawner-gpg",
		"@local-spawner @program"},
	[SANDBOX_POP3D] = {"pop3d", "@base @files"},
	[SANDBOX_IMAPD] = {"imapd",
		"@base @files @watch fstatfs sendmsg recvmsg"},
	[SANDBOX_SIEVED] = {"sieved", "@base @files symlinkat"},
	[SANDBOX_MIME] = {"mime", "@base pread64 ioctl"},
	[SANDBOX_CHECK] = {"check",
		"@check-message @fork @confine accept4 kill"},
	[SANDBOX_CHECK_MESSAGE] = {"check-message",
		"@base @pair @network pread64 pwrite64 newfstatat "
		"memfd_create ftruncate epoll_create1 epoll_ctl epoll_wait "
		"socketpair setrlimit getrlimit prlimit64"},
	[SANDBOX_POLICY] = {"policy",
		"@base @pair @wait accept4 getsockopt pread64 pwrite64 "
		"fdatasync fsync ftruncate"},
	[SANDBOX_IMPORT] = {"import",
		"@base @pair @files @network wait4 getrlimit prlimit64"},
	[SANDBOX_FSCK] = {"fsck", "@base @files fchmodat"},
	[SANDBOX_SIGNER] = {"signer", "@base @pair openat newfstatat pread64 alarm"},
	[SANDBOX_STS] = {"sts",
		"@base @pair @files @fork @network accept4 kill pipe2 prctl "
		"alarm epoll_create1 epoll_ctl epoll_wait socketpair"},
	[SANDBOX_MIME_FILES] = {"mime-files", "@base @files"},
};

/* Who starts whom: sandbox_gen makes no filters in which a parent lacks what its
 * child may do. */
static struct {
	enum sandbox_filter parent, child;
} const syscalls_heirs[] = {
	{SANDBOX_MONITOR, SANDBOX_FRONT},
	{SANDBOX_MONITOR, SANDBOX_SMTPD},
	{SANDBOX_MONITOR, SANDBOX_POP3D},
	{SANDBOX_MONITOR, SANDBOX_IMAPD},
	{SANDBOX_MONITOR, SANDBOX_SIEVED},
	{SANDBOX_STARTER, SANDBOX_MANAGER},
	{SANDBOX_STARTER, SANDBOX_SPAWNER},
	{SANDBOX_STARTER, SANDBOX_LOCAL_SPAWNER},
	{SANDBOX_STARTER, SANDBOX_SIGNER},
	{SANDBOX_STARTER_GPG, SANDBOX_STARTER},
	{SANDBOX_STARTER_GPG, SANDBOX_LOCAL_SPAWNER_GPG},
	{SANDBOX_SPAWNER, SANDBOX_REMOTE},
	{SANDBOX_LOCAL_SPAWNER, SANDBOX_LOCAL},
	{SANDBOX_LOCAL_SPAWNER_GPG, SANDBOX_LOCAL},
	{SANDBOX_CHECK, SANDBOX_CHECK_MESSAGE},
};

#endif
