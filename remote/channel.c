/* The jobs that the manager sends over one channel: see channel.h. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/log.h"
#include "common/pair.h"
#include "remote/channel.h"

/* How often an idle session is asked whether its place is needed. */
#define LOOK_MS 250

static bool
report(int channel_fd, struct job const *job,
	struct transaction_result const *results)
{
	static char frame[WIRE_FRAME_MAX];
	struct job_report r = {
		.number = job->number, .result_count = job->recipient_count};
	size_t len;

	for (size_t i = 0; i < r.result_count; i++)
		r.results[i] = (struct job_result){
			.status = (enum job_status)results[i].status,
			.text = results[i].text,
			.text_len = strlen(results[i].text)};
	len = job_report_encode(frame, sizeof frame, &r);
	return len > 0 && pair_send(channel_fd, frame, len, NULL, 0);
}

/* 1 a job was served, 0 the channel has ended, -1 it is broken. */
static int
serve_one(int channel_fd, struct deliver *d)
{
	static char frame[WIRE_FRAME_MAX];
	static struct transaction_result results[JOB_RECIPIENTS_MAX];
	struct job job;
	size_t count;
	int file_fd;
	ssize_t len;
	bool done;

	len = pair_receive(
		channel_fd, frame, sizeof frame, &file_fd, 1, &count);
	/* A manager that died with unread reports resets the channel. */
	if (len == 0 || (len < 0 && errno == ECONNRESET))
		return 0;
	if (len < 0) {
		log_error("channel", NULL, (char *)0);
		return -1;
	}
	if (count != 1 || !job_decode(frame, (size_t)len, &job)) {
		log_event("malformed-job", NULL, (char *)0);
		return -1;
	}
	deliver_job(d, &job, file_fd, results);
	close(file_fd);
	done = report(channel_fd, &job, results);
	return done ? 1 : 0;
}

/* 1 something has come, 0 it is time to end, -1 failed. Meanwhile a session
 * that others need the place of is given up. */
static int
wait_for_job(int channel_fd, struct deliver *d)
{
	struct pollfd p = {.fd = channel_fd, .events = POLLIN};
	int ready = 0;

	for (int ms = 0; ready == 0 && ms < CHANNEL_IDLE_MS; ms += LOOK_MS) {
		ready = poll(&p, 1, LOOK_MS);
		if (ready < 0 && errno == EINTR)
			ready = 0;
		if (ready == 0)
			deliver_yield(d);
	}
	return ready;
}

int
channel_serve(int channel_fd, struct deliver *d)
{
	int r;

	do {
		int ready = wait_for_job(channel_fd, d);
		if (ready < 0)
			return 111;
		if (ready == 0 && shutdown(channel_fd, SHUT_RD) < 0)
			return 111;
		r = serve_one(channel_fd, d);
	} while (r > 0);
	deliver_quit(d);
	return r == 0 ? 0 : 111;
}
