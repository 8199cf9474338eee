/* What an SMPP link stands on and can be tested without one: rates, the window, message ids, traces. */
#include "smpp_wire.h"

#include "adapters/smpp/rate.h"
#include "adapters/smpp/refs.h"
#include "adapters/smpp/smpp.h"
#include "adapters/smpp/trace.h"

/* ---- rates ---- */

/* How many may be taken between two times, asked every millisecond. */
static unsigned taken(struct rate *r, int64_t from_ms, int64_t to_ms)
{
	unsigned count = 0;

	for (int64_t now_ms = from_ms; now_ms < to_ms; now_ms++) {
		while (rate_wait_ms(r, false, now_ms) == 0 && count < 100000) {
			rate_take(r, now_ms);
			count++;
		}
	}
	return count;
}

static void an_agreed_rate_is_kept_to_the_submit(void **state)
{
	struct rate r;

	(void)state;
	rate_init(&r, 30, 1000);
	assert_in_range(taken(&r, 1000, 2000), 30, 31);
	assert_in_range(taken(&r, 2000, 12000), 300, 301);
	rate_init(&r, 1, 0);
	assert_int_equal(taken(&r, 0, 10000), 10);
}

static void a_pause_gives_no_right_to_a_flood(void **state)
{
	struct rate r;

	(void)state;
	rate_init(&r, 40, 0);
	taken(&r, 0, 1000);
	assert_int_equal(taken(&r, 600000, 600001), 10); /* a quarter of a second's worth */
}

static void the_wait_is_as_long_as_it_takes(void **state)
{
	struct rate r;

	(void)state;
	rate_init(&r, 2, 0);
	rate_take(&r, 0);
	assert_int_equal(rate_wait_ms(&r, false, 0), 500);
	assert_int_equal(rate_wait_ms(&r, false, 499), 1);
	assert_int_equal(rate_wait_ms(&r, false, 500), 0);
}

static void what_is_urgent_borrows_a_second_and_no_more(void **state)
{
	struct rate r;
	int64_t now_ms;
	int urgent = 0;

	(void)state;
	rate_init(&r, 10, 0);
	for (now_ms = 0; now_ms < 10000; now_ms++) {
		for (; rate_wait_ms(&r, true, now_ms) == 0; urgent++)
			rate_take(&r, now_ms);
	}
	assert_in_range(urgent, 100 + 10, 100 + 12); /* ten seconds' worth, and one borrowed */
	assert_int_equal(rate_wait_ms(&r, true, 9999), 1);
	assert_in_range(rate_wait_ms(&r, false, 9999), 1000, 1101);
}

static void what_is_taken_all_the_same_is_a_bounded_debt(void **state)
{
	struct rate r;

	(void)state;
	rate_init(&r, 2, 0);
	for (int i = 0; i < 3; i++)
		rate_take(&r, 0);
	assert_int_equal(rate_wait_ms(&r, false, 0), 1500);
	for (int i = 0; i < 100; i++)
		rate_take(&r, 0);
	assert_in_range(rate_wait_ms(&r, false, 0), 1500, 2000); /* never more than a second's debt */
}

static void a_protest_halves_and_peace_raises(void **state)
{
	struct rate r;
	int64_t now_ms = 1000;

	(void)state;
	rate_init(&r, 0, 0);
	assert_int_equal(rate_wait_ms(&r, false, 0), 0);
	for (int i = 0; i < 80; i++)
		rate_take(&r, 900);
	rate_protested(&r, now_ms);
	assert_int_equal(r.now_milli, 40000);
	rate_protested(&r, now_ms + 5); /* an answer that was on the way */
	assert_int_equal(r.now_milli, 40000);
	rate_protested(&r, now_ms += 1000);
	assert_int_equal(r.now_milli, 20000);
	rate_accepted(&r, now_ms += 1000);
	assert_int_equal(r.now_milli, 22000);
	rate_accepted(&r, now_ms + 10);
	assert_int_equal(r.now_milli, 22000);
	rate_accepted(&r, now_ms + 60000);
	assert_int_equal(r.now_milli, 0); /* no rate was agreed: free again */
}

static void an_agreed_rate_is_never_exceeded_nor_left_for_good(void **state)
{
	struct rate r;
	int64_t now_ms = 1000;

	(void)state;
	rate_init(&r, 3, 0);
	for (int i = 0; i < 20; i++)
		rate_protested(&r, now_ms += 2000);
	assert_int_equal(r.now_milli, 1000); /* never to a standstill */
	for (int i = 0; i < 20; i++)
		rate_accepted(&r, now_ms += 1000);
	assert_int_equal(r.now_milli, 3000);
}

/* ---- the window ---- */

static struct mt_part *part_of(uint32_t number)
{
	static uint8_t places[4096];

	return (struct mt_part *)(void *)&places[number % 4096];
}

static void the_window_finds_and_expires_by_number(void **state)
{
	struct window w;

	(void)state;
	window_init(&w, 2);
	assert_int_equal(window_oldest_ms(&w), INT64_MAX);
	window_add(&w, 5, 50, part_of(5));
	window_add(&w, 9, 100, part_of(9)); /* the same place in a table of four */
	assert_int_equal(w.used, 2);
	assert_true(window_has(&w, 9));
	assert_int_equal(window_oldest_ms(&w), 50);
	assert_null(window_take(&w, 7));
	assert_null(window_take_older(&w, 50));
	assert_ptr_equal(window_take_older(&w, 51), part_of(5));
	assert_null(window_take_older(&w, 51));
	assert_ptr_equal(window_take(&w, 9), part_of(9));
	assert_null(window_take(&w, 9));
	assert_null(window_take_any(&w));
	assert_int_equal(w.used, 0);
	window_fini(&w);
}

/* Against a list that is searched from end to end. */
static void the_window_is_right_about_any_history(void **state)
{
	enum { SIZE = 40, TURNS = 20000 };
	uint32_t in[SIZE], next = 0x7fffffe0, seed = 1;
	struct window w;
	unsigned used = 0;

	(void)state;
	window_init(&w, SIZE);
	for (int turn = 0; turn < TURNS; turn++) {
		seed = seed * 1664525 + 1013904223;
		if (used < SIZE && (seed >> 16) % 2) {
			next = next >= 0x7fffffff ? 1 : next + 1 + (seed >> 20) % 3;
			window_add(&w, next, turn, part_of(next));
			in[used++] = next;
		} else if (used > 0) {
			unsigned i = (seed >> 8) % used;

			assert_ptr_equal(window_take(&w, in[i]), part_of(in[i]));
			memmove(in + i, in + i + 1, (--used - i) * sizeof(in[0]));
		}
		assert_int_equal(w.used, used);
		for (unsigned i = 0; i < used; i++)
			assert_true(window_has(&w, in[i]));
	}
	for (unsigned i = 0; i < used; i++)
		assert_ptr_equal(window_take_any(&w), part_of(in[i])); /* oldest first */
	window_fini(&w);
}

/* ---- message ids ---- */

static void expect_canonical(const char *ref, enum ref_base base, const char *want)
{
	char out[PROVIDER_REF_MAX];

	ref_canonical(ref, base, out);
	assert_string_equal(out, want);
}

static void ids_have_one_canonical_form(void **state)
{
	(void)state;
	expect_canonical("0059113978", REF_AUTO, "59113978");
	expect_canonical("38601FA", REF_AUTO, "38601fa");
	expect_canonical("0", REF_AUTO, "0");
	expect_canonical("000", REF_AUTO, "0");
	expect_canonical("", REF_AUTO, "");
	expect_canonical("00aB-s7", REF_TEXT, "00aB-s7");
	expect_canonical("38601fa", REF_HEX, "59113978");
	expect_canonical("0059113978", REF_DECIMAL, "59113978");
	expect_canonical("38601fa", REF_DECIMAL, "38601fa"); /* not a number: as it is */
	expect_canonical("FFFFFFFFFFFFFFFF", REF_HEX, "18446744073709551615");
	expect_canonical("1FFFFFFFFFFFFFFFF", REF_HEX, "1ffffffffffffffff");
}

static void a_receipt_finds_its_text_in_either_base(void **state)
{
	char ref[PROVIDER_REF_MAX] = "59113978";
	struct refs r;

	(void)state;
	refs_init(&r);
	refs_sent(&r, "38601fa");
	refs_sent(&r, "12");
	assert_true(refs_find(&r, ref, true, RECEIPT_DELIVERED));
	assert_string_equal(ref, "38601fa");
	strcpy(ref, "59113978");
	assert_false(refs_find(&r, ref, false, RECEIPT_DELIVERED));
	strcpy(ref, "18"); /* 0x12, but so is half of everything */
	assert_false(refs_find(&r, ref, true, RECEIPT_DELIVERED));
	assert_string_equal(ref, "18");
	refs_fini(&r);
}

static void an_equal_id_goes_before_an_equal_number(void **state)
{
	char ref[PROVIDER_REF_MAX] = "12345678";
	struct refs r;

	(void)state;
	refs_init(&r);
	refs_sent(&r, "bc614e");   /* 12345678 */
	refs_sent(&r, "12345678");
	refs_sent(&r, "00bc614e");
	assert_true(refs_find(&r, ref, true, RECEIPT_DELIVERED));
	assert_string_equal(ref, "12345678");
	refs_fini(&r);
}

static void an_early_receipt_waits_for_its_text(void **state)
{
	char ref[PROVIDER_REF_MAX] = "77";
	struct refs r;
	int status = 0;

	(void)state;
	refs_init(&r);
	assert_false(refs_find(&r, ref, true, RECEIPT_INTERMEDIATE));
	assert_false(refs_find(&r, ref, true, RECEIPT_DELIVERED));
	assert_false(refs_early(&r, "78", true, &status));
	assert_true(refs_early(&r, "77", true, &status));
	assert_int_equal(status, RECEIPT_INTERMEDIATE); /* in the order they came */
	assert_true(refs_early(&r, "77", true, &status));
	assert_int_equal(status, RECEIPT_DELIVERED);
	assert_false(refs_early(&r, "77", true, &status));
	refs_fini(&r);
}

static void unknown_receipts_stay_bounded(void **state)
{
	char ref[PROVIDER_REF_MAX];
	struct refs r;
	int status;

	(void)state;
	refs_init(&r);
	for (int i = 0; i < 10 * REFS_PARKED_MAX; i++) {
		snprintf(ref, sizeof(ref), "x%d", i);
		assert_false(refs_find(&r, ref, true, RECEIPT_FAILED));
	}
	assert_false(refs_early(&r, "x5", true, &status)); /* the oldest went */
	snprintf(ref, sizeof(ref), "x%d", 10 * REFS_PARKED_MAX - 1);
	assert_true(refs_early(&r, ref, true, &status));
	refs_fini(&r);
}

/* ---- traces ---- */

static void a_trace_shows_the_fields_and_hides_the_person(void **state)
{
	char line[TRACE_LINE_MAX];
	struct pdu pdu;

	(void)state;
	wire_deliver(0x40, 8);
	wire_body("secret words", 12);
	wire_tlv(0x020c, "\x00\x07", 2);
	wire_tlv(0x0424, "more secrets", 12);
	assert_int_equal(wire_decode(&pdu), PDU_OK);
	trace_line(wire.data, wire.len, line);
	assert_non_null(strstr(line, "deliver_sm sequence=7 length="));
	assert_non_null(strstr(line, "source=1/1/..78(11)"));
	assert_non_null(strstr(line, "dest=3/0/(3)111"));
	assert_non_null(strstr(line, "esm_class=0x40 data_coding=0x08"));
	assert_non_null(strstr(line, "short_message=(12)"));
	assert_non_null(strstr(line, "sar_msg_ref_num=7"));
	assert_non_null(strstr(line, "message_payload=(12)"));
	assert_null(strstr(line, "secret"));
	assert_null(strstr(line, "84912345678"));
}

static void a_trace_of_a_bind_hides_the_password(void **state)
{
	struct pdu pdu = { .command_id = PDU_BIND_TRANSCEIVER, .sequence_number = 1 };
	char line[TRACE_LINE_MAX];

	(void)state;
	pdu.system_id = octets_of("hotline");
	pdu.password = octets_of("s3cret");
	buf_clear(&wire);
	assert_true(pdu_encode(&pdu, &wire));
	trace_line(wire.data, wire.len, line);
	assert_non_null(strstr(line, "system_id=hotline"));
	assert_non_null(strstr(line, "password=(6)"));
	assert_null(strstr(line, "s3cret"));
}

static void anything_can_be_traced(void **state)
{
	static const uint8_t odd[] = "\0\0\0\x14\0\0\x0f\xff\0\0\0\0\0\0\0\x07" "\xff\x1b[2";
	char line[TRACE_LINE_MAX];

	(void)state;
	for (size_t len = 0; len < sizeof(odd); len++)
		trace_line(odd, len, line);
	assert_non_null(strstr(line, "unknown command id=0x00000fff"));
	assert_null(strchr(line, 0x1b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_agreed_rate_is_kept_to_the_submit),
		TEST(a_pause_gives_no_right_to_a_flood),
		TEST(the_wait_is_as_long_as_it_takes),
		TEST(what_is_urgent_borrows_a_second_and_no_more),
		TEST(what_is_taken_all_the_same_is_a_bounded_debt),
		TEST(a_protest_halves_and_peace_raises),
		TEST(an_agreed_rate_is_never_exceeded_nor_left_for_good),
		TEST(the_window_finds_and_expires_by_number),
		TEST(the_window_is_right_about_any_history),
		TEST(ids_have_one_canonical_form),
		TEST(a_receipt_finds_its_text_in_either_base),
		TEST(an_equal_id_goes_before_an_equal_number),
		TEST(an_early_receipt_waits_for_its_text),
		TEST(unknown_receipts_stay_bounded),
		TEST(a_trace_shows_the_fields_and_hides_the_person),
		TEST(a_trace_of_a_bind_hides_the_password),
		TEST(anything_can_be_traced),
	};

	return cmocka_run_group_tests_name("smpp_pure", tests, NULL, NULL);
}
