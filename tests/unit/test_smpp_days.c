/* Three days of a link in simulated time: life signs, texts with receipts, deliveries, a lost connection
 * every hour. Nothing grows, and every number that can wrap does. */
#include "smpp_carrier.h"

#include <dirent.h>
#include <malloc.h>
#include <sys/socket.h>

#include <event2/event.h>

enum {
	HOURS = 72,
	STEP_MS = 30 * 1000,        /* one enquire_link */
	STEPS_PER_HOUR = 3600 * 1000 / STEP_MS,
	TALK_EACH = 10,             /* steps: a delivery, a long text, a receipt every five minutes */
	SETTLED = 12,               /* hours until every ring of receipts is full */
	SLACK = 8192               /* octets that libevent may hold more or less */
};

/* Only the sanitizer's allocator knows what is in use under the sanitizer. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t memory_in_use(void)
{
	if (__sanitizer_get_current_allocated_bytes)
		return __sanitizer_get_current_allocated_bytes();
	return mallinfo2().uordblks;
}

static unsigned descriptors_in_use(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* As fast as the loop goes: on loopback what was written is there at once. */
static void spin(void)
{
	for (int i = 0; i < 4; i++)
		event_base_loop(loop_base(rig.loop), EVLOOP_NONBLOCK);
}

static unsigned enquiries, texts, ended;
static char last_ref[16];

/* Reads one PDU of the link and answers it as a carrier does. False when there is none. */
static bool answer_one(void)
{
	static uint8_t bytes[4096];
	size_t len;
	struct pdu pdu;

	if (recv(rig.peer, bytes, 4, MSG_DONTWAIT | MSG_PEEK) != 4)
		return false;
	len = (size_t)bytes[2] << 8 | bytes[3];
	assert_in_range(len, PDU_HEADER, sizeof(bytes));
	if (recv(rig.peer, bytes, len, MSG_DONTWAIT | MSG_PEEK) != (ssize_t)len)
		return false;
	assert_int_equal(recv(rig.peer, bytes, len, MSG_DONTWAIT), len);
	assert_int_equal(pdu_decode(bytes, len, &pdu), PDU_OK);
	if (!(pdu.command_id & PDU_RESPONSE))
		assert_in_range(pdu.sequence_number, 1, 0x7fffffff);
	if (pdu.command_id == PDU_ENQUIRE_LINK) {
		enquiries++;
		peer_respond(&pdu, ESME_ROK, NULL);
	} else if (pdu.command_id == PDU_SUBMIT_SM) {
		snprintf(last_ref, sizeof(last_ref), "%x", 0xfffff0u + texts++);
		peer_respond(&pdu, ESME_ROK, last_ref);
	} else {
		assert_int_equal(pdu.command_id, PDU_DELIVER_SM | PDU_RESPONSE);
		ended++;
	}
	return true;
}

static void exchange(void)
{
	for (int quiet = 0; quiet < 3;) {
		spin();
		quiet = answer_one() ? 0 : quiet + 1;
	}
}

/* Five minutes of a service: a text comes, an alert goes in two parts, its receipt comes, and one that
 * belongs to nothing. */
static void talk(unsigned number)
{
	char receipt[64];

	peer_deliver(number, 0, "Em can giup");
	exchange();
	assert_true(send_alert((uint8_t)number, long_text));
	exchange();
	snprintf(receipt, sizeof(receipt), "id:%s stat:DELIVRD", last_ref);
	peer_deliver(number, 0x04, receipt);
	snprintf(receipt, sizeof(receipt), "id:nobody%u stat:DELIVRD", number);
	peer_deliver(number, 0x04, receipt);
	exchange();
}

static void an_hour(unsigned hour)
{
	for (unsigned step = 0; step < STEPS_PER_HOUR; step++) {
		if (step % TALK_EACH == 0)
			talk(hour * STEPS_PER_HOUR + step);
		loop_skip_ms(rig.loop, STEP_MS);
		exchange();
	}
	peer_drop();
	WAIT_FOR(rig.state != LINK_BOUND);
	accept_bind();
}

static void three_days_leave_no_trace(void **state)
{
	size_t memory = 0;
	unsigned descriptors = 0;

	(void)state;
	rig.answer_at_once = true;
	make_link("");
	rig.link->conf.enquire_ms = STEP_MS;
	smpp_adapter.start(rig.link);
	accept_bind();
	rig.link->binds[0].sequence = 0x7fffff00;
	rig.link->part_ref = 65500;
	for (unsigned hour = 0; hour < HOURS; hour++) {
		an_hour(hour);
		if (hour == SETTLED) {
			memory = memory_in_use();
			descriptors = descriptors_in_use();
		}
	}
	assert_in_range(memory_in_use(), memory > SLACK ? memory - SLACK : 0, memory + SLACK);
	assert_int_equal(descriptors_in_use(), descriptors);
	assert_in_range(enquiries, HOURS * STEPS_PER_HOUR - HOURS, HOURS * STEPS_PER_HOUR);
	assert_int_equal(rig.sent_count, HOURS * STEPS_PER_HOUR / TALK_EACH);
	assert_int_equal(rig.inbound_count, HOURS * STEPS_PER_HOUR / TALK_EACH);
	assert_int_equal(rig.receipt_count, 2 * HOURS * STEPS_PER_HOUR / TALK_EACH);
	assert_int_equal(ended, 3 * HOURS * STEPS_PER_HOUR / TALK_EACH);
	assert_in_range(rig.link->binds[0].sequence, 1, 100000); /* it went past the maximum */
	assert_in_range(rig.link->part_ref, 0, 65500 - 1);       /* and so did this */
	assert_int_equal(rig.link->status.losses, HOURS);
	assert_int_equal(rig.bound_count, HOURS + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(three_days_leave_no_trace),
	};

	return cmocka_run_group_tests_name("smpp_days", tests, NULL, NULL);
}
