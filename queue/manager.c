/*
 * manager - the queue's one moderator
 *
 * Runs as kr-queue. Reads and renames what others dropped, asks the spawners
 * for channels to deliver it, and keeps what has to wait. Trusts nothing that
 * stands in a dropped file or comes over a pair; the owner of a file is told by
 * the kernel. Can write in the queue alone, and has no network.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>
#include "common/log.h"
#include "common/pair.h"
#include "common/sandbox.h"
#include "common/settings.h"
#include "queue/active.h"
#include "queue/channel.h"
#include "queue/deliveries.h"
#include "queue/folders.h"
#include "queue/helpers.h"
#include "queue/host.h"
#include "queue/loop.h"
#include "queue/progress.h"
#include "queue/room.h"
#include "queue/scan.h"
#include "queue/signing.h"
#include "queue/turns.h"
#include "queue/waiting.h"

#define USAGE "manager -t tables"
#define CONTROL_FD 3
/* Descriptors: of messages in work, of channels, of marks. */
#define FILES_MAX 4096
#define FILES_LEAST 512
/* Octets of address space: envelopes, waiting records, tables. */
#define MEMORY_MAX ((size_t)1024 * 1024 * 1024)
#define ACTIVE_MAX 1000
#define TICK_MS 500
#define AGAIN_MS 3000
#define RESCAN_MS 30000
#define ROOM_MS 2000
#define SWEEP_MS 3600000
/* How long a stop waits for reports; less if the starter has died, for the
 * next one will start another manager. */
#define STOP_MS 30000
#define STOP_ORPHAN_MS 1000

static struct loop_source control;
static bool is_stopping, is_saved;
static uint64_t stop_at_ms;

static void
stop(uint64_t after_ms)
{
	if (!is_stopping)
		turns_stop();
	is_stopping = true;
	stop_at_ms = loop_now_ms() + after_ms;
}

static void
on_control(void *data)
{
	char frame[16];
	int fds[1];
	size_t count = 0;
	ssize_t n =
		pair_receive(CONTROL_FD, frame, sizeof frame, fds, 1, &count);

	(void)data;
	if (n < 0 && (errno == EAGAIN || errno == EPROTO || errno == EMSGSIZE))
		return;
	if (n <= 0) {
		loop_forget(&control);
		stop(STOP_ORPHAN_MS);
	} else if (n == 1 && *frame == 'q') {
		stop(STOP_MS);
	} else if (n == 1 && count == 1 && (*frame == 'L' || *frame == 'R')) {
		channel_set_spawner(
			*frame == 'L' ? POOL_LOCAL : POOL_REMOTE, fds[0]);
		count = 0;
	} else if (n == 1 && count == 1 && *frame == 'S') {
		signing_set_signer(fds[0]);
		count = 0;
	}
	while (count > 0)
		close(fds[--count]);
}

/* True: all that can be waited for is over. */
static bool
is_over(void)
{
	if (!is_stopping)
		return false;
	if (loop_now_ms() >= stop_at_ms)
		return true;
	if (deliveries_in_hand() > 0 || helpers_pending() > 0)
		return false;
	if (is_saved)
		return true;
	is_saved = true;
	progress_save();
	return helpers_pending() == 0;
}

static void
tick(void)
{
	static uint64_t ticked, tried, rescanned, swept, looked;
	uint64_t now = loop_now_ms();

	if (now - ticked >= TICK_MS) {
		ticked = now;
		deliveries_tick();
		signing_tick();
		progress_mark();
	}
	if (now - tried >= AGAIN_MS) {
		tried = now;
		progress_tick();
	}
	if (now - rescanned >= RESCAN_MS) {
		rescanned = now;
		scan_again();
	}
	if (now - looked >= ROOM_MS) {
		looked = now;
		room_tick(waiting_count(), scan_backlog());
	}
	if (swept == 0 || now - swept >= SWEEP_MS) {
		swept = now;
		folders_sweep(loop_time());
	}
}

static int
timeout(bool more)
{
	bool busy = deliveries_are_busy() || helpers_pending() > 0 ||
		    active_count() > 0;

	if (more)
		return 0;
	if (is_stopping)
		return 50;
	return progress_timeout(busy ? TICK_MS : RESCAN_MS);
}

static void
run(void)
{
	bool more = true;

	for (;;) {
		loop_wait(timeout(more));
		if (is_over())
			return;
		tick();
		more = false;
		if (is_stopping) {
			helpers_sync_now();
		} else {
			more = progress_run();
			more = scan_run() || more;
			turns_run();
		}
		helpers_run();
	}
}

static unsigned
raise_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return FILES_LEAST;
	r.rlim_cur = r.rlim_max < FILES_MAX ? r.rlim_max : FILES_MAX;
	(void)setrlimit(RLIMIT_NOFILE, &r);
	return (unsigned)r.rlim_cur;
}

/* What is left for messages when channels, marks and tables have theirs. */
static size_t
active_max(unsigned files)
{
	if (files >= ACTIVE_MAX + FILES_LEAST)
		return ACTIVE_MAX;
	return files > FILES_LEAST + 64 ? files - FILES_LEAST : 64;
}

static void
confine(int tables_fd, unsigned files)
{
	struct sandbox s = {.filter = SANDBOX_MANAGER,
		.memory = MEMORY_MAX,
		.files = files,
		.may_fork = true,
		.may_write = true,
		.read_only = {tables_fd},
		.read_only_count = 1,
		.read_write = {folders.queue},
		.read_write_count = 1};

	/* Helpers tell their result over a pipe; nobody waits for them. */
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	/* A full quota is an error to answer, not a reason to die. */
	signal(SIGXFSZ, SIG_IGN);
	sandbox_enter_or_exit(&s);
}

/* Root alone can put this file there: for tests, which move the time. */
static void
move_clock(void)
{
	struct stat st;
	int fd = openat(folders.queue, "clock",
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return;
	if (fstat(fd, &st) < 0 || st.st_uid != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return;
	}
	log_event("clock-moved", NULL, "why", "there is a file queue/clock",
		(char *)0);
	loop_move_clock(fd);
}

static void
set_up(char const *tables_path, struct table *settings)
{
	int tables_fd = open(tables_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	unsigned files = raise_files();
	char const *state;

	if (tables_fd < 0 ||
		!table_refresh(settings, tables_fd, "settings.cdb"))
		strerr_diefu3sys(111, "read ", tables_path, "/settings.cdb");
	state = settings_text(settings, "state");
	if (state == NULL || settings_text(settings, "hostname") == NULL)
		strerr_dief1x(111, "settings lack state or hostname");
	if (!folders_open(state))
		strerr_diefu3sys(111, "open the queue in ", state, "/queue");
	move_clock();
	confine(tables_fd, files);
	if (!loop_open() || !host_open(tables_fd, settings))
		strerr_diefu1sys(111, "read the tables");
	progress_init(settings, active_max(files));
	if (!scan_init())
		strerr_diefu1sys(111, "scan the queue");
}

static char const *
read_options(int argc, char const *const *argv)
{
	subgetopt l = SUBGETOPT_ZERO;
	char const *tables = NULL;
	int opt;

	while ((opt = subgetopt_r(argc, argv, "t:", &l)) != -1) {
		if (opt != 't')
			strerr_dieusage(100, USAGE);
		tables = l.arg;
	}
	if (tables == NULL || argc != l.ind)
		strerr_dieusage(100, USAGE);
	return tables;
}

int
main(int argc, char const *const *argv)
{
	struct table settings = TABLE_ZERO;
	char const *tables;

	PROG = "manager";
	tables = read_options(argc, argv);
	if (getuid() == 0)
		strerr_dief1x(100, "must not run as root");
	log_open("manager");
	set_up(tables, &settings);
	control = (struct loop_source){.ready = on_control, .fd = CONTROL_FD};
	if (fcntl(CONTROL_FD, F_SETFL, O_NONBLOCK) < 0 ||
		!loop_watch(&control) ||
		!pair_send(CONTROL_FD, "r", 1, NULL, 0))
		strerr_diefu1sys(111, "reach the starter");
	log_event("started", NULL, (char *)0);
	run();
	log_event("stopped", NULL, (char *)0);
	return 0;
}
