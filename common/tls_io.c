/* A BearSSL engine under a stream. */
#include <errno.h>
#include <poll.h>
#include <stdalign.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>
#include <sodium.h>
#include "common/tls_internal.h"

#define PAGE 4096
#define PAGES(n) (((n) + PAGE - 1) / PAGE * PAGE)

/* On pages of their own, so that they can be given back. Full duplex: with one
 * buffer for both directions two ends that both write would wait for ever. */
static alignas(PAGE) unsigned char in_buffer[PAGES(BR_SSL_BUFSIZE_INPUT)];
static alignas(PAGE) unsigned char out_buffer[PAGES(BR_SSL_BUFSIZE_OUTPUT)];

static struct tls the_tls;

/* In our order: an EC signature costs a third of an RSA one. */
static struct {
	uint16_t id;
	char const *name;
} const suites[] = {
	{BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		"TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256"},
	{BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
		"TLSv1.2 ECDHE-ECDSA-CHACHA20-POLY1305"},
	{BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		"TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384"},
	{BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		"TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256"},
	{BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		"TLSv1.2 ECDHE-RSA-CHACHA20-POLY1305"},
	{BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		"TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384"},
};
#define SUITES (sizeof suites / sizeof suites[0])

/* BearSSL seeds itself by RDRAND or /dev/urandom; the sandbox has no files, and
 * not every processor has the instruction. */
static void
seed(br_ssl_engine_context *engine)
{
	unsigned char octets[48];

	while (getrandom(octets, sizeof octets, 0) != sizeof octets)
		;
	br_ssl_engine_inject_entropy(engine, octets, sizeof octets);
	sodium_memzero(octets, sizeof octets);
}

void
tls_setup(br_ssl_engine_context *engine, uint32_t flags)
{
	uint16_t ids[SUITES];

	for (size_t i = 0; i < SUITES; i++)
		ids[i] = suites[i].id;
	br_ssl_engine_set_versions(engine, BR_TLS12, BR_TLS12);
	br_ssl_engine_set_suites(engine, ids, SUITES);
	br_ssl_engine_set_hash(engine, br_sha256_ID, &br_sha256_vtable);
	br_ssl_engine_set_hash(engine, br_sha384_ID, &br_sha384_vtable);
	br_ssl_engine_set_hash(engine, br_sha512_ID, &br_sha512_vtable);
	br_ssl_engine_set_prf_sha256(engine, br_tls12_sha256_prf);
	br_ssl_engine_set_prf_sha384(engine, br_tls12_sha384_prf);
	br_ssl_engine_set_default_aes_gcm(engine);
	br_ssl_engine_set_default_chapol(engine);
	br_ssl_engine_set_default_ec(engine);
	br_ssl_engine_set_buffers_bidi(engine, in_buffer, sizeof in_buffer,
		out_buffer, sizeof out_buffer);
	br_ssl_engine_set_all_flags(engine, flags | BR_OPT_NO_RENEGOTIATION);
	seed(engine);
}

int
tls_send_record(struct stream *s, br_ssl_engine_context *engine)
{
	size_t len;
	unsigned char *record = br_ssl_engine_sendrec_buf(engine, &len);
	ssize_t r;

	do
		r = write(s->out_fd, record, len);
	while (r < 0 && errno == EINTR);
	if (r <= 0)
		return -1;
	br_ssl_engine_sendrec_ack(engine, (size_t)r);
	return 1;
}

int
tls_receive_record(struct stream *s, br_ssl_engine_context *engine)
{
	size_t len;
	unsigned char *record = br_ssl_engine_recvrec_buf(engine, &len);
	ssize_t r;

	do
		r = read(s->in_fd, record, len);
	while (r < 0 && errno == EINTR);
	if (r > 0)
		br_ssl_engine_recvrec_ack(engine, (size_t)r);
	return r > 0 ? 1 : (int)r;
}

bool
tls_give_back(br_ssl_engine_context *engine)
{
	unsigned state = br_ssl_engine_current_state(engine);
	size_t len;

	/* What is wanted next is a whole record header: no record has begun. */
	if (state != (BR_SSL_SENDAPP | BR_SSL_RECVREC) ||
		br_ssl_engine_recvrec_buf(engine, &len) == NULL || len != 5)
		return false;
	(void)madvise(in_buffer, sizeof in_buffer, MADV_DONTNEED);
	(void)madvise(out_buffer, sizeof out_buffer, MADV_DONTNEED);
	return true;
}

/* Errors of the engine, all alike to the caller. */
static ssize_t
broken(void)
{
	errno = EPROTO;
	return -1;
}

static ssize_t
layer_read(struct stream *s, char *data, size_t max, short *events_r)
{
	br_ssl_engine_context *engine = s->tls->engine;

	for (;;) {
		unsigned state = br_ssl_engine_current_state(engine);
		size_t len;
		int r;

		*events_r = 0;
		if (state & BR_SSL_CLOSED)
			return br_ssl_engine_last_error(engine) == 0 ? 0
								     : broken();
		if (state & BR_SSL_RECVAPP) {
			unsigned char *plain =
				br_ssl_engine_recvapp_buf(engine, &len);
			if (len > max)
				len = max;
			memcpy(data, plain, len);
			br_ssl_engine_recvapp_ack(engine, len);
			return (ssize_t)len;
		}
		/* Our close_notify, say, for which the peer need not wait. */
		if (state & BR_SSL_SENDREC) {
			if (tls_send_record(s, engine) > 0)
				continue;
			if (errno == EAGAIN)
				*events_r |= POLLOUT;
			else if (errno != EPIPE && errno != ECONNRESET)
				return -1;
			else if (!(state & BR_SSL_RECVREC))
				return 0;
		}
		if (state & BR_SSL_RECVREC) {
			r = tls_receive_record(s, engine);
			if (r > 0)
				continue;
			/* A bare FIN: what follows is lost either way. */
			if (r == 0)
				return 0;
			if (errno != EAGAIN)
				return -1;
			*events_r |= POLLIN;
		}
		if (*events_r == 0)
			return broken();
		errno = EAGAIN;
		return -1;
	}
}

static ssize_t
layer_write(struct stream *s, char const *data, size_t len, short *events_r)
{
	br_ssl_engine_context *engine = s->tls->engine;

	for (;;) {
		unsigned state = br_ssl_engine_current_state(engine);
		size_t room;

		if (state & BR_SSL_SENDAPP) {
			unsigned char *plain =
				br_ssl_engine_sendapp_buf(engine, &room);
			if (len > room)
				len = room;
			memcpy(plain, data, len);
			br_ssl_engine_sendapp_ack(engine, len);
			return (ssize_t)len;
		}
		if (!(state & BR_SSL_SENDREC))
			return broken();
		if (tls_send_record(s, engine) < 0) {
			*events_r = POLLOUT;
			return -1;
		}
	}
}

static bool
layer_flush(struct stream *s, short *events_r)
{
	br_ssl_engine_context *engine = s->tls->engine;

	br_ssl_engine_flush(engine, 0);
	while (br_ssl_engine_current_state(engine) & BR_SSL_SENDREC)
		if (tls_send_record(s, engine) < 0) {
			*events_r = POLLOUT;
			return false;
		}
	return true;
}

/* The peer's close_notify is not waited for: stream_close waits for its FIN. */
static void
layer_close(struct stream *s)
{
	int64_t deadline = stream_clock_ms() + STREAM_LINGER_MS;
	short events;

	if (s->error == ETIMEDOUT)
		return;
	br_ssl_engine_close(s->tls->engine);
	while (!layer_flush(s, &events))
		if (errno != EAGAIN || !stream_wait(s, events, deadline))
			return;
}

static struct stream_layer const layer = {
	.read = layer_read,
	.write = layer_write,
	.flush = layer_flush,
	.close = layer_close,
};

static char const *
describe(br_ssl_engine_context const *engine)
{
	br_ssl_session_parameters session;
	char const *name = "TLSv1.2";

	br_ssl_engine_get_session_parameters(engine, &session);
	for (size_t i = 0; i < SUITES; i++)
		if (suites[i].id == session.cipher_suite)
			name = suites[i].name;
	sodium_memzero(&session, sizeof session);
	return name;
}

char const *
tls_describe(struct stream const *s)
{
	return s->tls != NULL ? s->tls->description : "";
}

int
tls_error(struct stream const *s)
{
	return s->tls != NULL ? br_ssl_engine_last_error(s->tls->engine) : 0;
}

bool
tls_may_start(struct stream *s)
{
	if (s->error == 0 && (s->tls != NULL || stream_pending(s) > 0))
		s->error = EPROTO;
	return stream_flush(s);
}

/* Both directions, until the engine takes data and owes no record. */
static bool
shake(struct stream *s, br_ssl_engine_context *engine)
{
	int64_t deadline = stream_clock_ms() + s->timeout_ms;

	for (;;) {
		unsigned state = br_ssl_engine_current_state(engine);
		short events = 0;
		int r = -1;

		if (state & BR_SSL_CLOSED) {
			errno = EPROTO;
			return false;
		}
		if (state & BR_SSL_SENDREC) {
			events = POLLOUT;
			r = tls_send_record(s, engine);
		} else if (state & BR_SSL_SENDAPP) {
			return true;
		} else if (state & BR_SSL_RECVREC) {
			events = POLLIN;
			r = tls_receive_record(s, engine);
		} else {
			errno = EPROTO;
			return false;
		}
		if (r == 0)
			errno = ECONNRESET;
		if (r == 0 ||
			(r < 0 && (errno != EAGAIN ||
					  !stream_wait(s, events, deadline))))
			return false;
	}
}

bool
tls_handshake(struct stream *s, br_ssl_engine_context *engine)
{
	short events;

	the_tls = (struct tls){.engine = engine, .description = ""};
	s->tls = &the_tls;
	s->layer = &layer;
	if (!shake(s, engine)) {
		s->error = errno;
		/* The alert that says why, if the socket takes it now. */
		(void)layer_flush(s, &events);
		errno = s->error;
		return false;
	}
	the_tls.description = describe(engine);
	return true;
}
