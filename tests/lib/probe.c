/*
 * probe PID [PATH] - what would the kernel let this live process do?
 *
 * Attaches with ptrace, makes the process itself try a few system calls with
 * arguments that do no harm (a path that does not exist, a process that does
 * not exist; PATH, or /etc/passwd, is opened for reading), prints `NAME RESULT`
 * for each (a negative errno), puts everything back and lets it go on. Root
 * only; x86-64.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#define NOBODY 0x3ffffffe /* no process has this number */
#define PATH_SPACE 512
#define SCRATCH 4096 /* octets below the stack pointer that we borrow */

static pid_t target;

static void
die(char const *what)
{
	perror(what);
	exit(1);
}

static void
wait_stop(void)
{
	int status;

	if (waitpid(target, &status, __WALL) != target || !WIFSTOPPED(status))
		die("waitpid");
}

static void
poke(unsigned long address, char const *s)
{
	size_t len = strlen(s) + 1;

	for (size_t i = 0; i < len; i += sizeof(long)) {
		unsigned long word = 0;
		size_t n = len - i < sizeof word ? len - i : sizeof word;
		memcpy(&word, s + i, n);
		if (ptrace(PTRACE_POKEDATA, target, address + i, word) < 0)
			die("poke");
	}
}

/* The process stands behind a syscall instruction; it makes another one. */
static long
try_call(struct user_regs_struct const *saved, long nr, unsigned long a,
	unsigned long b, unsigned long c)
{
	struct user_regs_struct r = *saved;

	r.rip = saved->rip - 2;
	r.orig_rax = (unsigned long)-1;
	r.rax = (unsigned long)nr;
	r.rdi = a;
	r.rsi = b;
	r.rdx = c;
	r.r10 = 0;
	r.r8 = 0;
	if (ptrace(PTRACE_SETREGS, target, NULL, &r) < 0 ||
		ptrace(PTRACE_SINGLESTEP, target, NULL, NULL) < 0)
		die("step");
	wait_stop();
	if (ptrace(PTRACE_GETREGS, target, NULL, &r) < 0)
		die("getregs");
	return (long)r.rax;
}

int
main(int argc, char **argv)
{
	struct user_regs_struct saved;
	unsigned long scratch;
	long code;

	if (argc < 2 || argc > 3 ||
		(argc == 3 && strlen(argv[2]) >= PATH_SPACE) ||
		(target = atoi(argv[1])) <= 0) {
		fprintf(stderr, "usage: probe PID [PATH]\n");
		return 100;
	}
	if (ptrace(PTRACE_SEIZE, target, NULL, NULL) < 0 ||
		ptrace(PTRACE_INTERRUPT, target, NULL, NULL) < 0)
		die("attach");
	wait_stop();
	if (ptrace(PTRACE_GETREGS, target, NULL, &saved) < 0)
		die("getregs");
	code = ptrace(PTRACE_PEEKTEXT, target, saved.rip - 2, NULL);
	if ((code & 0xffff) != 0x050f) {
		fprintf(stderr, "probe: not in a system call\n");
		return 111;
	}
	scratch = (saved.rsp - SCRATCH) & ~15UL;
	poke(scratch, argc == 3 ? argv[2] : "/etc/passwd");
	poke(scratch + PATH_SPACE, "/nonexistent/program");
	printf("open %ld\n",
		try_call(&saved, SYS_openat, (unsigned long)AT_FDCWD, scratch,
			O_RDONLY));
	printf("socket %ld\n",
		try_call(&saved, SYS_socket, AF_INET, SOCK_STREAM, 0));
	printf("connect %ld\n",
		try_call(&saved, SYS_connect, (unsigned long)-1, scratch, 16));
	printf("execve %ld\n",
		try_call(&saved, SYS_execve, scratch + PATH_SPACE, 0, 0));
	printf("ptrace %ld\n",
		try_call(&saved, SYS_ptrace, PTRACE_PEEKDATA, NOBODY, 0));
	printf("kill %ld\n", try_call(&saved, SYS_kill, NOBODY, 0, 0));
	printf("tgkill %ld\n", try_call(&saved, SYS_tgkill, NOBODY, NOBODY, 0));
	/* To have a signal sent by the kernel. */
	printf("fcntl %ld\n",
		try_call(&saved, SYS_fcntl, (unsigned long)-1, F_SETOWN, 0));
	/* The two do not go together: nothing is made. */
	printf("clone %ld\n", try_call(&saved, SYS_clone,
				      CLONE_NEWUSER | CLONE_THREAD, 0, 0));
	printf("setuid %ld\n", try_call(&saved, SYS_setuid, 0, 0, 0));
	/* Where it stood; an interrupted call is made again by the kernel. */
	if (ptrace(PTRACE_SETREGS, target, NULL, &saved) < 0 ||
		ptrace(PTRACE_DETACH, target, NULL, NULL) < 0)
		die("detach");
	return 0;
}
