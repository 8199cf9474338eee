/* What a run of the simulated SMSC showed: lines for people, flat JSON for programs. */
#include "smsc.h"

#include <errno.h>
#include <string.h>

static double seconds(int64_t from_ns, int64_t to_ns)
{
	return to_ns > from_ns ? (double)(to_ns - from_ns) / 1e9 : 0;
}

static double rate(uint64_t count, double over_s)
{
	return over_s > 0 ? (double)count / over_s : 0;
}

static const struct {
	const char *name;
	double part;
} quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1}};

enum { QUANTILES = sizeof(quantiles) / sizeof(quantiles[0]) };

static void print_histogram(const char *name, const struct histogram *h, FILE *out)
{
	fprintf(out, "  %-24s mean %.3f", name, histogram_mean(h) / 1e6);
	for (int i = 0; i < QUANTILES; i++)
		fprintf(out, "  %s %.3f", quantiles[i].name,
			(double)histogram_quantile(h, quantiles[i].part) / 1e6);
	fprintf(out, "  ms\n");
}

void report_print(const struct smsc *s, FILE *out)
{
	const struct smsc_counts *c = &s->counts;
	double replied_s = seconds(s->began_ns, s->last_reply_ns);
	double settled_s = seconds(s->began_ns, s->settled_ns);

	fprintf(out, "%s\n", s->options.label);
	fprintf(out, "  %-24s %llu finished, %llu stuck, %llu turns each\n", "dialogues",
		(unsigned long long)c->finished, (unsigned long long)c->stuck,
		(unsigned long long)s->dialogue.count);
	fprintf(out, "  %-24s %llu in %.2f s: %.0f/s; %llu not as expected\n", "replies",
		(unsigned long long)c->replies, replied_s, rate(c->replies, replied_s),
		(unsigned long long)c->wrong);
	fprintf(out, "  %-24s %.2f s: %.0f replies/s\n", "until all was settled", settled_s,
		rate(c->replies, settled_s));
	fprintf(out, "  %-24s %llu acknowledged, %llu refused, %llu delivered again\n", "deliver_sm",
		(unsigned long long)c->delivered, (unsigned long long)c->refused,
		(unsigned long long)c->again);
	fprintf(out, "  %-24s %llu accepted, %llu throttled, %llu receipts, %llu to other numbers\n",
		"submit_sm", (unsigned long long)c->submitted, (unsigned long long)c->throttled,
		(unsigned long long)c->receipts, (unsigned long long)c->strays);
	print_histogram("text to reply", &s->replies, out);
	print_histogram("text to deliver_sm_resp", &s->answers, out);
	for (unsigned i = 0; i < s->procs.count; i++) {
		const struct procs_group *g = &s->procs.groups[i];

		fprintf(out, "  cpu of %-17s %.2f s: %.1f us a reply, %.0f replies in a CPU second\n",
			g->name, g->spent_s, g->spent_s * 1e6 / (double)(c->replies ? c->replies : 1),
			rate(c->replies, g->spent_s));
	}
}

static void json_histogram(const char *name, const struct histogram *h, FILE *out)
{
	fprintf(out, ",\n\"%s_mean_ms\": %.4f", name, histogram_mean(h) / 1e6);
	for (int i = 0; i < QUANTILES; i++)
		fprintf(out, ",\n\"%s_%s_ms\": %.4f", name, quantiles[i].name,
			(double)histogram_quantile(h, quantiles[i].part) / 1e6);
}

bool report_json(const struct smsc *s, const char *path)
{
	const struct smsc_counts *c = &s->counts;
	const struct {
		const char *name;
		uint64_t value;
	} counts[] = {
		{"turns", s->dialogue.count}, {"finished", c->finished}, {"stuck", c->stuck},
		{"replies", c->replies}, {"wrong", c->wrong}, {"strays", c->strays},
		{"delivered", c->delivered}, {"refused", c->refused}, {"again", c->again},
		{"submitted", c->submitted}, {"throttled", c->throttled}, {"receipts", c->receipts},
	};
	double replied_s = seconds(s->began_ns, s->last_reply_ns);
	double settled_s = seconds(s->began_ns, s->settled_ns);
	FILE *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");

	if (!out)
		return false;
	fprintf(out, "{\n\"replied_s\": %.4f,\n\"settled_s\": %.4f", replied_s, settled_s);
	fprintf(out, ",\n\"replies_per_s\": %.1f,\n\"settled_replies_per_s\": %.1f",
		rate(c->replies, replied_s), rate(c->replies, settled_s));
	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		fprintf(out, ",\n\"%s\": %llu", counts[i].name, (unsigned long long)counts[i].value);
	json_histogram("reply", &s->replies, out);
	json_histogram("answer", &s->answers, out);
	for (unsigned i = 0; i < s->procs.count; i++)
		fprintf(out, ",\n\"cpu_%s_s\": %.2f", s->procs.groups[i].name, s->procs.groups[i].spent_s);
	fprintf(out, "\n}\n");
	return (out == stdout ? fflush(out) : fclose(out)) == 0;
}
