/* Both directions between a peer and the program that serves it, at once. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>
#include "common/tls_internal.h"

#define IDLE_MS 300
#define PAGE 4096

enum { IN, OUT, TO, FROM, WAITS };

struct mover {
	struct stream *s;
	br_ssl_engine_context *engine; /* NULL: in the clear */
	int to_fd, from_fd;	       /* -1 once closed */
	bool peer_ended;	       /* nothing more comes from the peer */
	bool broken;		       /* nothing more can go to the peer */
	size_t sent;		       /* of s->out, in the clear */
	short wanted[WAITS];
};

static unsigned
state(struct mover const *m)
{
	return br_ssl_engine_current_state(m->engine);
}

static void
shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static ssize_t
again(ssize_t (*call)(int, void *, size_t), int fd, void *data, size_t len)
{
	ssize_t r;

	do
		r = call(fd, data, len);
	while (r < 0 && errno == EINTR);
	return r;
}

static ssize_t
write_from(int fd, void *data, size_t len)
{
	return write(fd, data, len);
}

/* What the peer has sent and the program has not had yet. */
static void *
unread(struct mover *m, size_t *len_r)
{
	*len_r = stream_pending(m->s);
	if (*len_r > 0)
		return m->s->in + m->s->in_start;
	if (m->engine != NULL && (state(m) & BR_SSL_RECVAPP))
		return br_ssl_engine_recvapp_buf(m->engine, len_r);
	return NULL;
}

static void
eaten(struct mover *m, size_t len)
{
	if (stream_pending(m->s) > 0)
		m->s->in_start += len;
	else
		br_ssl_engine_recvapp_ack(m->engine, len);
}

/* As read: 0 at the end; EAGAIN also when the engine wants nothing. */
static ssize_t
receive(struct mover *m)
{
	struct stream *s = m->s;
	ssize_t r;

	if (m->engine != NULL) {
		if (state(m) & BR_SSL_RECVREC)
			return tls_receive_record(s, m->engine);
		errno = EAGAIN;
		return -1;
	}
	s->in_start = s->in_end = 0;
	r = again(read, s->in_fd, s->in, sizeof s->in);
	if (r > 0)
		s->in_end = (size_t)r;
	return r;
}

/* One step from the peer to the program. True if there was progress. */
static bool
step_in(struct mover *m)
{
	size_t len;
	void *data = unread(m, &len);
	ssize_t r;

	if (data != NULL) {
		/* A program that reads no more may still have to speak. */
		r = m->to_fd < 0 ? (ssize_t)len
				 : again(write_from, m->to_fd, data, len);
		if (r > 0) {
			eaten(m, (size_t)r);
			return true;
		}
		if (errno == EAGAIN) {
			m->wanted[TO] = POLLOUT;
			return false;
		}
		shut(&m->to_fd);
		return true;
	}
	if (m->peer_ended) {
		shut(&m->to_fd);
		return false;
	}
	r = receive(m);
	if (r > 0)
		return true;
	if (r < 0 && errno == EAGAIN) {
		if (m->engine == NULL || (state(m) & BR_SSL_RECVREC))
			m->wanted[IN] = POLLIN;
		return false;
	}
	m->peer_ended = true;
	if (r < 0)
		m->broken = true;
	return true;
}

static bool
owes(struct mover const *m)
{
	if (m->engine != NULL)
		return (state(m) & BR_SSL_SENDREC) != 0;
	return m->s->out_len > m->sent;
}

static bool
step_send(struct mover *m)
{
	struct stream *s = m->s;
	ssize_t r;

	if (m->engine != NULL) {
		r = tls_send_record(s, m->engine);
	} else {
		r = again(write_from, s->out_fd, s->out + m->sent,
			s->out_len - m->sent);
		if (r > 0)
			m->sent += (size_t)r;
	}
	if (r > 0)
		return true;
	if (errno == EAGAIN)
		m->wanted[OUT] = POLLOUT;
	else
		m->broken = true;
	return false;
}

/* One step from the program to the peer. */
static bool
step_out(struct mover *m)
{
	size_t len = sizeof m->s->out;
	void *room = m->s->out;
	ssize_t r;

	if (owes(m))
		return step_send(m);
	if (m->engine != NULL)
		room = br_ssl_engine_sendapp_buf(m->engine, &len);
	if (m->from_fd < 0 || room == NULL)
		return false;
	r = again(read, m->from_fd, room, len);
	if (r > 0) {
		if (m->engine != NULL) {
			br_ssl_engine_sendapp_ack(m->engine, (size_t)r);
			br_ssl_engine_flush(m->engine, 0);
		} else {
			m->s->out_len = (size_t)r;
			m->sent = 0;
		}
		return true;
	}
	if (r < 0 && errno == EAGAIN) {
		m->wanted[FROM] = POLLIN;
		return false;
	}
	shut(&m->from_fd);
	return true;
}

/* The stream's buffers are not used while the engine's are. */
static void
give_back(struct mover *m)
{
	uintptr_t start = (uintptr_t)m->s->in;
	uintptr_t end = (uintptr_t)(m->s->out + sizeof m->s->out);
	size_t skip = (PAGE - start % PAGE) % PAGE;

	if (!tls_give_back(m->engine) || stream_pending(m->s) > 0)
		return;
	end -= end % PAGE;
	if (start + skip < end)
		(void)madvise(
			m->s->in + skip, end - start - skip, MADV_DONTNEED);
}

/* Only what is wanted is polled: a pipe whose other end is gone would report
 * POLLHUP at once, again and again, even with no event asked for. */
static int
wait_for(struct mover *m, int64_t timeout_ms)
{
	int const fds[WAITS] = {
		m->s->in_fd, m->s->out_fd, m->to_fd, m->from_fd};
	struct timespec t = {.tv_sec = timeout_ms / 1000,
		.tv_nsec = timeout_ms % 1000 * 1000000};
	struct pollfd p[WAITS];
	sigset_t none;

	sigemptyset(&none);
	for (size_t i = 0; i < WAITS; i++)
		p[i] = (struct pollfd){.fd = m->wanted[i] != 0 ? fds[i] : -1,
			.events = m->wanted[i]};
	return ppoll(p, WAITS, timeout_ms < 0 ? NULL : &t,
		m->s->stop != NULL ? &none : NULL);
}

static bool
step(struct mover *m)
{
	bool moved;

	if (m->s->stop != NULL && *m->s->stop != 0)
		m->peer_ended = true;
	for (size_t i = 0; i < WAITS; i++)
		m->wanted[i] = 0;
	moved = step_in(m);
	moved |= step_out(m);
	if (m->engine != NULL && (state(m) & BR_SSL_CLOSED))
		m->broken = true;
	return moved;
}

static void
loop(struct mover *m)
{
	bool idle = false;

	for (;;) {
		bool ending;
		int r;

		if (step(m)) {
			idle = false;
			continue;
		}
		if (m->broken || (m->from_fd < 0 && !owes(m)))
			return;
		ending = m->peer_ended || m->from_fd < 0;
		r = wait_for(m, ending			    ? STREAM_LINGER_MS
				: idle || m->engine == NULL ? -1
							    : IDLE_MS);
		if (r == 0 && ending) {
			if (owes(m))
				m->s->error = ETIMEDOUT;
			return;
		}
		if (r == 0) {
			give_back(m);
			idle = true;
		}
	}
}

void
tls_move(struct stream *s, int to_fd, int from_fd)
{
	struct mover m = {.s = s, .to_fd = to_fd, .from_fd = from_fd};

	(void)fcntl(to_fd, F_SETFL, O_NONBLOCK);
	(void)fcntl(from_fd, F_SETFL, O_NONBLOCK);
	if (s->tls != NULL)
		m.engine = s->tls->engine;
	if (stream_flush(s))
		loop(&m);
	shut(&m.to_fd);
	shut(&m.from_fd);
	/* In the clear it was the mover's buffer: all of it is sent, or lost. */
	s->out_len = 0;
	stream_close(s);
}
