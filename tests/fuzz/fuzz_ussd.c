/* Fuzz target: octets as what happens to a link's USSD sessions. Requests, answers of the conversation, the
 * spool's words and time come in any order; every request is answered exactly once, never later than its
 * time, and a promise that something was kept is only made when it was. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/ussd.h"
#include "base/loop.h"
#include "base/mem.h"
#include "core/ussd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX = 256 };

static struct {
	struct loop *loop;
	struct {
		received_fn *done; /* NULL once it was called */
		void *arg;
		char token[INBOUND_ADDRESS_MAX];
	} in[MAX];
	size_t in_count;
	unsigned asked, shown;
	unsigned answered[MAX];
	bool kept; /* some delivery was kept */
} t;

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void on_inbound(void *ctx, const struct inbound *in, received_fn *done, void *arg)
{
	(void)ctx;
	check(in->channel == CHANNEL_USSD && in->message_id[0]);
	if (t.in_count == MAX) {
		done(arg, false);
		return;
	}
	t.in[t.in_count].done = done;
	t.in[t.in_count].arg = arg;
	memcpy(t.in[t.in_count++].token, in->reply_token, INBOUND_ADDRESS_MAX);
}

static void on_sent(void *ctx, const struct id16 *id, enum sent_state state, const char *ref)
{
	(void)ctx;
	(void)id;
	(void)ref;
	check(state == SENT_OK || state == SENT_GONE);
}

static void on_show(void *arg, enum ussd_fate fate, const char *text, bool more)
{
	unsigned *answered = arg;

	(void)more;
	check(++*answered == 1);
	if (fate == USSD_SCREEN && strstr(text, "Da nhan"))
		check(t.kept);
	t.shown++;
}

static void receive(size_t n, bool ok)
{
	received_fn *done = t.in[n].done;

	if (!done)
		return;
	t.in[n].done = NULL;
	t.kept |= ok;
	done(t.in[n].arg, ok);
}

static void stop(void *arg)
{
	loop_stop(arg);
}

static void pass(int64_t ms)
{
	struct loop_timer *end = loop_timer_new(t.loop, stop, t.loop);

	loop_skip_ms(t.loop, ms);
	for (int i = 0; i < 2; i++) {
		loop_timer_set(end, 0);
		loop_run(t.loop);
	}
	loop_timer_free(end);
}

static void hear(struct ussd *u, uint8_t what, uint8_t more)
{
	static const enum ussd_op ops[] = {USSD_BEGIN, USSD_CONTINUE, USSD_END, USSD_ABORT, USSD_TIMEOUT};
	const char session[] = {(char)('a' + more % 3)}, text[] = {(char)('0' + more / 3 % 4)};
	const struct ussd_heard heard = {.op = ops[what % 5], .session = session, .session_len = 1,
					 .turn = more & 0x80 ? text : NULL, .turn_len = 1, .from = "+84912345678", .to = "",
					 .text = text, .text_len = 1};

	if (t.asked < MAX)
		ussd_hear(u, &heard, on_show, &t.answered[t.asked++]);
}

static void answer(struct ussd *u, uint8_t which, bool more)
{
	struct outbound out = {.channel = CHANNEL_USSD, .text = "x", .more = more};

	if (t.in_count > 0)
		memcpy(out.reply_token, t.in[which % t.in_count].token, sizeof(out.reply_token));
	check(ussd_send(u, &out));
}

static void play(struct ussd *u, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i + 1 < size && i < 2 * MAX; i += 2) {
		switch (data[i] % 6) {
		case 0:
		case 1:
			hear(u, (uint8_t)(data[i] / 6), data[i + 1]);
			break;
		case 2:
			if (t.in_count > 0)
				receive(data[i + 1] % t.in_count, data[i] & 0x40);
			break;
		case 3:
		case 4:
			answer(u, data[i + 1], data[i] & 0x40);
			break;
		default:
			pass((int64_t)data[i + 1] * 20);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ussd_conf conf = {.adapter = "f", .link = "f", .carrier = "f", .source = "*1#", .voice = "111",
				       .idle_ms = 3000};
	struct adapter_host host = {.inbound = on_inbound, .sent = on_sent};
	struct ussd *u;

	memset(&t, 0, sizeof(t));
	host.loop = t.loop = loop_new();
	u = ussd_new(&host, &conf);
	play(u, data, size);
	for (size_t i = 0; i < t.in_count && i < MAX / 2; i++)
		receive(i, true); /* ends wait for the spool alone */
	pass(2000);
	for (size_t i = 0; i < t.in_count; i++)
		receive(i, true);
	check(t.shown == t.asked);
	ussd_free(u);
	for (size_t i = 0; i < t.in_count; i++)
		receive(i, false);
	loop_free(t.loop);
	return 0;
}
