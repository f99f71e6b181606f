/*
 * replay - cut the power at every point of a recording, and look what is left
 *
 *   replay RECORDING TABLES FOLDER COUNT SEED
 *	make COUNT states that differ (in two processes, below FOLDER, which is
 *	best in memory), start the manager over each queue, and see that
 *	whatever was acknowledged before the cut has arrived, whole, and nothing
 *	else has
 *   replay RECORDING TABLES FOLDER COUNT SEED N
 *	lay down state number N alone in FOLDER, mailboxes too, for the whole
 *	services to be started over; what is owed is written to stdout
 *
 * Exit code 1: something was lost or torn; stderr says what, and where.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/settings.h"
#include "tests/crash/disk.h"
#include "tests/crash/recover.h"

#define WORKERS 2
#define MESSAGES_MAX 200
#define DEBTS_MAX 64
#define PATIENCE_S 60
/* Queues that differ, for one process. */
#define QUEUES_MAX 200000

/* A message, by the word that is its subject. */
struct message {
	char word[40];
	char *crlf, *lf;
	size_t crlf_len, lf_len;
};

/* Somebody was told that this arrives. */
struct debt {
	uint64_t since; /* line of the recording */
	int message;
	bool by_report; /* then address hears of what failed */
	char address[200], failed[200];
	uint64_t taken; /* line at which another host had it, or never */
};

static struct disk disk;
static struct message messages[MESSAGES_MAX];
static struct debt debts[DEBTS_MAX];
static size_t message_count, debt_count;
static uint64_t *paid; /* a bit for each debt; shared with children */
static bool is_faulty;
static gid_t queue_gid;

static void
fault(char const *what, char const *which)
{
	fprintf(stderr, "fault: %s: %s\n", what, which);
	is_faulty = true;
}

/* The recording */

static int
find_message(char const *word)
{
	for (size_t i = 0; i < message_count; i++)
		if (strcmp(messages[i].word, word) == 0)
			return (int)i;
	fprintf(stderr, "recording: no message %s\n", word);
	exit(2);
}

static void
add_message(char const *word, size_t len, FILE *f)
{
	struct message *m = &messages[message_count++];

	if (message_count == MESSAGES_MAX)
		exit(2);
	strcpy(m->word, word);
	m->crlf = disk_read_octets(f, len);
	m->crlf_len = len;
	m->lf = malloc(len + 1);
	for (size_t i = 0; i < len; i++)
		if (m->crlf[i] != '\r')
			m->lf[m->lf_len++] = m->crlf[i];
}

static void
read_recording(char const *path)
{
	FILE *f = fopen(path, "r");
	static char line[2000];
	char word[40];
	size_t len;

	if (f == NULL) {
		perror(path);
		exit(2);
	}
	while (fgets(line, sizeof line, f) != NULL) {
		struct debt *debt = &debts[debt_count];
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "message %39s %zu", word, &len) == 2) {
			add_message(word, len, f);
		} else if (sscanf(line, "debt %lu %lu %39s %199s %199s",
				   &debt->since, &debt->taken, word,
				   debt->address, debt->failed) == 5) {
			debt->message = find_message(word);
			debt->by_report = strcmp(debt->failed, "-") != 0;
			if (++debt_count == DEBTS_MAX)
				exit(2);
		} else {
			disk_read_line(&disk, line, f);
		}
	}
	fclose(f);
}

/* What arrives */

static bool
has(char const *s, size_t len, char const *part)
{
	return memmem(s, len, part, strlen(part)) != NULL;
}

/* By its subject, which is not in the header of a report. */
static int
message_of(char const *s, size_t len)
{
	static char const subject[] = "Subject: word";
	char const *at = memmem(s, len, subject, sizeof subject - 1);
	char word[40];

	if (at == NULL)
		return -1;
	at += 9;
	for (size_t i = 0; i < sizeof word && at + i < s + len; i++) {
		word[i] = at[i];
		if (at[i] != '\r' && at[i] != '\n')
			continue;
		word[i] = '\0';
		for (size_t k = 0; k < message_count; k++)
			if (strcmp(messages[k].word, word) == 0)
				return (int)k;
	}
	return -1;
}

static bool
is_text(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < ' ' && s[i] != '\n' && s[i] != '\r' &&
			s[i] != '\t')
			return false;
	return true;
}

static bool
ends_in(char const *s, size_t len, char const *end, size_t end_len)
{
	return len >= end_len && memcmp(s + len - end_len, end, end_len) == 0;
}

static bool
is_whole_report(char const *s, size_t len)
{
	return is_text(s, len) && has(s, len, "multipart/report") &&
	       (ends_in(s, len, "--\r\n", 4) || ends_in(s, len, "--\n", 3));
}

static bool
is_whole(struct message const *m, char const *s, size_t len)
{
	if (ends_in(s, len, m->crlf, m->crlf_len))
		return is_text(s, len - m->crlf_len);
	return ends_in(s, len, m->lf, m->lf_len) && is_text(s, len - m->lf_len);
}

static void
pay(int message, char const *address, bool is_report, char const *s, size_t len)
{
	for (size_t i = 0; i < debt_count; i++) {
		struct debt const *d = &debts[i];
		if (d->message == message && d->by_report == is_report &&
			strcmp(d->address, address) == 0 &&
			(!is_report || has(s, len, d->failed)))
			*paid |= UINT64_C(1) << i;
	}
}

static void
arrive(char const *address, bool is_report, char const *s, size_t len)
{
	int m = message_of(s, len);

	if (is_report && !is_whole_report(s, len))
		fault("a torn report for", address);
	else if (m < 0)
		fault("nobody sent what arrived for", address);
	else if (!is_report && !is_whole(&messages[m], s, len))
		fault("torn", messages[m].word);
	else
		pay(m, address, is_report, s, len);
}

static enum job_status
on_arrival(bool is_local, char const *address, size_t address_len,
	bool is_report, char const *message, size_t len)
{
	char to[400];

	snprintf(to, sizeof to, "%.*s", (int)address_len, address);
	if (message == NULL) {
		fault("can't be read for", to);
		return JOB_DONE;
	}
	if (!is_local && strncmp(to, "refused", 7) == 0)
		return JOB_FAILED;
	arrive(to, is_report, message, len);
	return JOB_DONE;
}

/* A state */

static char const *
owner_of(int folder)
{
	/* mail/ADDRESS/new */
	static char address[200];
	char const *path = disk.folders[folder].path;

	snprintf(address, sizeof address, "%s", strchr(path, '/') + 1);
	*strrchr(address, '/') = '\0';
	return address;
}

/* What readers of the mailboxes find. */
static void
look_at_mailboxes(struct disk_state const *s)
{
	for (size_t i = 0; i < disk.name_count; i++) {
		int inode = disk_inode_of(&disk, s, i);
		int folder = disk.names[i].folder;
		char const *content;
		bool whole;
		size_t len;
		if (inode < 0 || disk.folders[folder].kind != DISK_MAILBOX)
			continue;
		content = disk_content(&disk, s, inode, &len, &whole);
		arrive(owner_of(folder),
			strncmp(content, "Return-Path: <>", 15) == 0, content,
			len);
	}
}

static void
put_file(int state_fd, struct disk_state const *s, size_t n, int inode)
{
	struct disk_name const *name = &disk.names[n];
	char path[600];
	bool whole;
	size_t len;
	char const *content = disk_content(&disk, s, inode, &len, &whole);

	snprintf(path, sizeof path, "%s/%s", disk.folders[name->folder].path,
		name->text);
	int fd = openat(state_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		disk.inodes[inode].mode);
	if (fd < 0 || (len > 0 && write(fd, content, len) != (ssize_t)len) ||
		fchown(fd, disk.inodes[inode].uid, queue_gid) < 0) {
		perror(path);
		exit(2);
	}
	close(fd);
}

static void
put_state(int state_fd, struct disk_state const *s, bool with_mailboxes)
{
	for (size_t i = 0; i < disk.name_count; i++) {
		int inode = disk_inode_of(&disk, s, i);
		char const *path = disk.folders[disk.names[i].folder].path;
		if (inode >= 0 &&
			(with_mailboxes || strncmp(path, "queue/", 6) == 0))
			put_file(state_fd, s, i, inode);
	}
}

static char const *const queue_folders[] = {
	"queue/new", "queue/cur", "queue/bad", "queue/tmp"};
#define QUEUE_FOLDERS 4

static bool
is_owed(struct debt const *d, uint64_t cut)
{
	return d->since < cut && d->taken >= cut;
}

/* The names in a folder; with `remove` they go. */
static int
count_names(int folder_fd, bool remove)
{
	char buffer[8192];
	int count = 0;
	long n;

	lseek(folder_fd, 0, SEEK_SET);
	while ((n = getdents64(folder_fd, buffer, sizeof buffer)) > 0)
		for (long at = 0; at < n;) {
			struct dirent64 *e = (void *)(buffer + at);
			at += e->d_reclen;
			if (e->d_name[0] == '.')
				continue;
			count++;
			if (remove)
				unlinkat(folder_fd, e->d_name, 0);
		}
	return count;
}

struct worker {
	unsigned number;
	char folder[400];
	int state_fd, log_fd, folder_fds[QUEUE_FOLDERS];
	struct table const *settings;
	size_t managers; /* that were started */
	bool failed;
};

/* In a child: from here on it is a manager. */
static _Noreturn void
be_manager(struct worker const *w)
{
	uid_t queue = (uid_t)settings_number(w->settings, "uid-queue", 0);

	alarm(PATIENCE_S);
	if (setegid(queue_gid) < 0 || seteuid(queue) < 0 ||
		!recover(w->folder, on_arrival))
		fault("the manager does not start", strerror(errno));
	if (seteuid(0) < 0)
		fault("root", "");
	for (size_t i = 0; i < QUEUE_FOLDERS - 1; i++)
		if (count_names(w->folder_fds[i], false) > 0)
			fault("something is left in", queue_folders[i]);
	_exit(is_faulty ? 1 : 0);
}

static void
make_folders(struct worker *w)
{
	char name[600];

	snprintf(name, sizeof name, "%s/queue", w->folder);
	if ((mkdir(w->folder, 0755) < 0 && errno != EEXIST) ||
		(mkdir(name, 0755) < 0 && errno != EEXIST)) {
		perror(name);
		exit(2);
	}
	for (size_t i = 0; i < QUEUE_FOLDERS; i++) {
		snprintf(name, sizeof name, "%s/%s", w->folder,
			queue_folders[i]);
		(void)mkdir(name, 0777);
		w->folder_fds[i] =
			open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (w->folder_fds[i] < 0 ||
			fchmod(w->folder_fds[i], 0777) < 0) {
			perror(name);
			exit(2);
		}
		(void)count_names(w->folder_fds[i], true);
	}
	w->state_fd = open(w->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* A hash table of what is known of a hash; the place of a new one has 0. */
struct known {
	uint64_t hash, paid;
};
struct all_known {
	struct known *all;
	size_t room;
};

static struct known *
find_known(struct all_known *k, uint64_t hash, size_t count)
{
	if (k->all == NULL) {
		for (k->room = 1024; k->room < 2 * count; k->room *= 2)
			;
		k->all = disk_shared(k->room * sizeof *k->all);
	}
	size_t i = hash % k->room;
	while (k->all[i].hash != 0 && k->all[i].hash != hash)
		i = (i + 1) % k->room;
	return &k->all[i];
}

/* Acknowledgements are a part of a state. */
static uint64_t
hash_with_debts(struct disk_state const *s)
{
	uint64_t h = s->hash;

	for (size_t i = 0; i < debt_count; i++)
		if (is_owed(&debts[i], s->cut))
			h = (h ^ i) * UINT64_C(1099511628211);
	return h | 1;
}

/* Calls function for each state that is unlike all before. */
static size_t
each_state(size_t count, uint64_t seed,
	bool function(void *data, size_t number, struct disk_state const *s),
	void *data)
{
	struct disk_state s = {0};
	struct all_known seen = {NULL, 0};
	size_t number = 0, old = 0;

	for (unsigned variant = 0; number < count; variant++)
		for (uint64_t cut = disk.begin; cut <= disk.end; cut++) {
			disk_choose(&disk, cut, variant, seed, &s);
			uint64_t hash = hash_with_debts(&s);
			struct known *k = find_known(&seen, hash, count);
			/* No more are to be had. */
			if (k->hash != 0 && ++old > 200 * count)
				return number;
			if (k->hash != 0)
				continue;
			k->hash = hash;
			if (!function(data, number++, &s) || number == count)
				return number;
		}
	return number;
}

static void
tell(struct worker const *w, size_t number, struct disk_state const *s,
	int status)
{
	char text[4000];
	ssize_t n = pread(w->log_fd, text, sizeof text, 0);

	fprintf(stderr, "state %zu, cut before line %lu: status %x\n%.*s\n",
		number, s->cut, (unsigned)status, (int)(n > 0 ? n : 0), text);
}

/* A manager starts over the state's queue; what it has paid. False: a fault
 * was found. */
static bool
start_manager(struct worker *w, size_t number, struct disk_state const *s)
{
	int status = -1;
	pid_t pid;

	w->managers++;
	put_state(w->state_fd, s, false);
	if (ftruncate(w->log_fd, 0) < 0)
		return false;
	pid = fork();
	if (pid == 0) {
		dup2(w->log_fd, 2);
		be_manager(w);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
		tell(w, number, s, status);
		return false;
	}
	/* The rest was seen to be empty. */
	(void)count_names(w->folder_fds[QUEUE_FOLDERS - 1], true);
	return true;
}

static void
check_debts(struct disk_state const *s)
{
	char text[600];

	for (size_t i = 0; i < debt_count; i++) {
		struct debt const *d = &debts[i];
		if (!is_owed(d, s->cut) || (*paid & UINT64_C(1) << i) != 0)
			continue;
		snprintf(text, sizeof text, "%s for %s%s, cut before line %lu",
			messages[d->message].word, d->address,
			d->by_report ? " (a report)" : "", s->cut);
		fault("lost", text);
	}
}

/* The manager knows nothing of mailboxes, and starts once for all states that
 * have the same queue. */
static bool
try_state(void *data, size_t number, struct disk_state const *s)
{
	static struct all_known queues;
	struct worker *w = data;
	uint64_t hash = s->queue_hash | 1;
	struct known *queue;

	if (s->queue_hash / 2 % WORKERS != w->number)
		return true;
	queue = find_known(&queues, hash, QUEUES_MAX);
	*paid = 0;
	if (queue->hash == 0) {
		if (w->managers == QUEUES_MAX || !start_manager(w, number, s)) {
			w->failed = true;
			return false;
		}
		*queue = (struct known){.hash = hash, .paid = *paid};
	}
	*paid = queue->paid;
	look_at_mailboxes(s);
	check_debts(s);
	w->failed = is_faulty;
	return !w->failed;
}

static _Noreturn void
work(unsigned number, char const *folder, size_t count, uint64_t seed,
	struct table const *settings)
{
	struct worker w = {.number = number, .settings = settings};
	char log[500];
	size_t done;

	snprintf(w.folder, sizeof w.folder, "%s/%u", folder, number);
	make_folders(&w);
	snprintf(log, sizeof log, "%s/log", w.folder);
	w.log_fd = open(
		log, O_RDWR | O_CREAT | O_APPEND | O_TRUNC | O_CLOEXEC, 0600);
	paid = disk_shared(sizeof *paid);
	if (w.log_fd < 0)
		_exit(2);
	done = each_state(count, seed, try_state, &w);
	if (!w.failed)
		printf("%u: %zu states, %zu queues\n", number, done,
			w.managers);
	if (!w.failed && done < count)
		fprintf(stderr, "only %zu states differ\n", done);
	exit(w.failed ? 1 : done < count ? 3 : 0);
}

/* One state for the whole services */

struct wanted {
	size_t number;
	int folder_fd;
};

static bool
lay_down(void *data, size_t number, struct disk_state const *s)
{
	struct wanted *w = data;

	if (number != w->number)
		return true;
	put_state(w->folder_fd, s, true);
	for (size_t i = 0; i < debt_count; i++)
		if (is_owed(&debts[i], s->cut))
			printf("%s %s %s\n", messages[debts[i].message].word,
				debts[i].address, debts[i].failed);
	return false;
}

int
main(int argc, char **argv)
{
	static struct table settings = TABLE_ZERO;
	int tables_fd, result = 0, status;
	pid_t workers[WORKERS], pid;
	size_t count;
	uint64_t seed;

	if (argc < 6)
		return 100;
	umask(0);
	count = strtoul(argv[4], NULL, 10);
	seed = strtoull(argv[5], NULL, 10);
	read_recording(argv[1]);
	tables_fd = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tables_fd < 0 ||
		!table_refresh(&settings, tables_fd, "settings.cdb"))
		return 2;
	queue_gid = (gid_t)settings_number(&settings, "gid-queue", 0);
	if (argc > 6) {
		struct wanted w = {.number = strtoul(argv[6], NULL, 10),
			.folder_fd = open(argv[3], O_RDONLY | O_DIRECTORY)};
		each_state(count, seed, lay_down, &w);
		return 0;
	}
	recover_init(tables_fd, &settings);
	for (unsigned i = 0; i < WORKERS; i++) {
		workers[i] = fork();
		if (workers[i] == 0)
			work(i, argv[3], count, seed, &settings);
		if (workers[i] < 0)
			return 2;
	}
	while ((pid = wait(&status)) > 0) {
		if (status == 0 || result != 0)
			continue;
		result = WIFEXITED(status) ? WEXITSTATUS(status) : 2;
		/* One fault is enough. */
		for (unsigned i = 0; i < WORKERS; i++)
			if (workers[i] != pid)
				kill(workers[i], SIGTERM);
	}
	return result;
}
