/* Counts septets and UTF-16 units the way a phone does, and the segments they need. */
#include "flows/engine/cost.h"

#include <string.h>
#include <utf8proc.h>

/* GSM 03.38 section 6.2.1 beyond ASCII. */
static const char gsm_more[] = "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà";
/* The extension table, section 6.2.1.1: two septets each, and never parted. */
static const char gsm_pairs[] = "^{}\\[~]|€";

static size_t char_len(const char *p)
{
	utf8proc_int32_t point;
	utf8proc_ssize_t len = utf8proc_iterate((const utf8proc_uint8_t *)p, -1, &point);

	return len > 0 ? (size_t)len : 1;
}

static bool among(const char *list, const char *p, size_t len)
{
	size_t other;

	for (; *list; list += other) {
		other = char_len(list);
		if (other == len && !memcmp(list, p, len))
			return true;
	}
	return false;
}

/* Septets of one character, 0 if GSM has none for it. */
static size_t septets(const char *p, size_t len)
{
	unsigned char c = (unsigned char)*p;

	if (among(gsm_pairs, p, len))
		return 2;
	if (len == 1 && ((c >= ' ' && c < 0x7f && c != '`') || c == '\n' || c == '\r'))
		return 1;
	return among(gsm_more, p, len);
}

static size_t utf16_units(size_t len)
{
	return len == 4 ? 2 : 1;
}

static size_t units_of(const char *p, size_t len, bool ucs2)
{
	return ucs2 ? utf16_units(len) : septets(p, len);
}

/* Parts of `room` units that hold the text, no character parted. */
static size_t parts_of(const char *text, bool ucs2, size_t room)
{
	size_t parts = 1, used = 0, len, units;

	for (; *text; text += len) {
		len = char_len(text);
		units = units_of(text, len, ucs2);
		if (used + units > room) {
			parts++;
			used = 0;
		}
		used += units;
	}
	return parts;
}

static void find_culprit(const char *text, struct cost *out)
{
	size_t len;

	for (const char *p = text; *p; p += len, out->culprit_at++) {
		len = char_len(p);
		if (septets(p, len))
			continue;
		out->ucs2 = true;
		memcpy(out->culprit, p, len);
		return;
	}
	out->culprit_at = 0;
}

void cost_of(const char *text, struct cost *out)
{
	size_t len;

	*out = (struct cost){0};
	find_culprit(text, out);
	for (const char *p = text; *p; p += len) {
		len = char_len(p);
		out->units += units_of(p, len, out->ucs2);
	}
	out->segments = 1;
	if (out->units > (out->ucs2 ? COST_UCS2_ALONE : COST_GSM_ALONE))
		out->segments = parts_of(text, out->ucs2, out->ucs2 ? COST_UCS2_PART : COST_GSM_PART);
	out->screens = parts_of(text, out->ucs2, out->ucs2 ? COST_UCS2_SCREEN : COST_GSM_SCREEN);
}
