/* Numbers by way of libphonenumber, with the project's own tables where its Vietnamese plan is
 * short. */
#include "core/number.h"

#include <cstring>
#include <string>

#include <phonenumbers/phonenumber.pb.h>
#include <phonenumbers/phonenumberutil.h>

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

namespace
{

enum { TON_INTERNATIONAL = 1, TON_NATIONAL = 2, TON_ALPHANUMERIC = 5 };
/* The library's time grows worse than with the square of the length: nothing longer reaches it. */
enum { DIGITS_MIN = 3, DIGITS_MAX = 20, SHORT_MAX = 6, VN_MOBILE_LEN = 9, VN_OLD_MOBILE_LEN = 10 };

/* Numbers people call by name here. The library's Vietnamese list knows 113 to 115 only. Listed
 * ones stay short codes also when a carrier marks them as international. */
const char *const short_codes[] = {
	"111", "112",  "113",  "114",  "115",  "116",  "119",
	"156", "1022", "5656", "8088", "1414", "9191", "18001567",
};

/* The 2018 change of Vietnamese mobile numbers to 10 digits: 0120 1234567 -> 070 1234567. */
const struct {
	char before[4], after[3];
} old_prefixes[] = {
	{"120", "70"}, {"121", "79"}, {"122", "77"}, {"126", "76"}, {"128", "78"}, {"123", "83"},
	{"124", "84"}, {"125", "85"}, {"127", "81"}, {"129", "82"}, {"162", "32"}, {"163", "33"},
	{"164", "34"}, {"165", "35"}, {"166", "36"}, {"167", "37"}, {"168", "38"}, {"169", "39"},
	{"186", "56"}, {"188", "58"}, {"199", "59"},
};

/* Mobile prefixes all of whose numbers are in the plan, most used first: the library, which would say
 * the same, takes longer over one number than all else that is done with a text. Parts of 052, 055, 089
 * and 099 are given out too: those are asked of the library. 030 and 051 it does not know yet. */
const char *const whole_prefixes[] = {
	"98", "97", "96", "90", "93", "91", "94", "86", "88", "38", "39", "36", "37", "35", "34", "33",
	"32", "31", "30", "70", "76", "77", "78", "79", "81", "82", "83", "84", "85", "87", "92", "56",
	"58", "59", "95", "51",
};

bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool is_separator(unsigned char c)
{
	return c <= ' ' || std::strchr("-./()", c) != nullptr;
}

bool starts_with(const std::string &text, const char *prefix)
{
	return text.compare(0, std::strlen(prefix), prefix) == 0;
}

template <size_t size> void put(char (&out)[size], const std::string &text)
{
	size_t len = text.size() < size ? text.size() : size - 1;

	while (len > 0 && len < text.size() && (text[len] & 0xc0) == 0x80)
		len--; /* never cut a UTF-8 character in two */
	std::memcpy(out, text.data(), len);
	out[len] = '\0';
}

/* The digits with their + if the source is nothing but a number, else "". The no-break space, which
 * arrives when a number was copied from a page, is a separator too. */
std::string digits_of(const char *source)
{
	std::string digits;
	size_t count = 0;

	for (const char *p = source; *p; p++) {
		if (std::strncmp(p, "\xc2\xa0", 2) == 0) {
			p++;
		} else if (is_digit(*p)) {
			digits += *p;
			count++;
		} else if (*p == '+' && digits.empty()) {
			digits += '+';
		} else if (!is_separator(static_cast<unsigned char>(*p))) {
			return "";
		}
		if (count > DIGITS_MAX)
			return "";
	}
	return count >= DIGITS_MIN ? digits : "";
}

std::string folded_name(const char *source)
{
	std::string name;

	for (const char *p = source; *p && name.size() < NUMBER_VALUE_MAX; p++) {
		unsigned char c = static_cast<unsigned char>(*p);

		if (c > ' ' && c != 0x7f)
			name += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : *p;
		else if (!name.empty() && name.back() != ' ')
			name += ' ';
	}
	while (!name.empty() && name.back() == ' ')
		name.pop_back();
	return name;
}

bool is_short(const std::string &digits)
{
	if (digits.size() <= SHORT_MAX)
		return true;
	for (const char *code : short_codes)
		if (digits == code)
			return true;
	return false;
}

/* The number with + if it says its country itself, else the digits as they came. */
std::string with_country(const std::string &source, uint8_t ton, bool vietnam)
{
	bool plus = source[0] == '+';
	std::string digits = plus ? source.substr(1) : source;

	if (starts_with(digits, "00") && digits.size() > 2 + SHORT_MAX)
		return "+" + digits.substr(2); /* the international prefix, dialled or marked */
	if (digits[0] == '0')
		return digits; /* no country code starts with 0: marked wrongly */
	if (plus || ton == TON_INTERNATIONAL)
		return "+" + digits;
	/* 84 and a full subscriber number; a bare 84xxxxxxx is a VN number without its 0. */
	if (vietnam && starts_with(digits, "84") && digits.size() >= 2 + VN_MOBILE_LEN)
		return "+" + digits;
	return digits;
}

/* The Vietnamese national significant number, or "". */
std::string vn_national(const std::string &number, bool vietnam)
{
	std::string national;

	if (starts_with(number, "+84"))
		national = number.substr(3);
	else if (number[0] != '+' && vietnam)
		national = number;
	return starts_with(national, "0") ? national.substr(1) : national;
}

std::string modern(const std::string &national)
{
	if (national.size() != VN_OLD_MOBILE_LEN)
		return "";
	for (const auto &row : old_prefixes)
		if (starts_with(national, row.before))
			return row.after + national.substr(3);
	return "";
}

bool is_whole_mobile(const std::string &national)
{
	if (national.size() != VN_MOBILE_LEN)
		return false;
	for (const char *prefix : whole_prefixes)
		if (starts_with(national, prefix))
			return true;
	return false;
}

/* Reads one spelling with the library. False: not even the shape of a number. */
bool read_number(const std::string &number, const std::string &region, struct number *out)
{
	const PhoneNumberUtil &util = *PhoneNumberUtil::GetInstance();
	PhoneNumber parsed;
	std::string text, where;

	if (util.Parse(number, region, &parsed) != PhoneNumberUtil::NO_PARSING_ERROR)
		return false;
	out->valid = util.IsValidNumber(parsed);
	if (!out->valid && number[0] != '+' && !util.IsPossibleNumber(parsed))
		return false;
	util.Format(parsed, PhoneNumberUtil::E164, &text);
	/* Would be a short code when read again; no Vietnamese number has a second 0. */
	if (text.size() <= 1 + SHORT_MAX || starts_with(text, "+840"))
		return false;
	if (out->valid) {
		PhoneNumberUtil::PhoneNumberType type = util.GetNumberType(parsed);

		out->mobile = type == PhoneNumberUtil::MOBILE ||
			      type == PhoneNumberUtil::FIXED_LINE_OR_MOBILE;
		util.GetRegionCodeForNumber(parsed, &where);
	} else {
		util.GetRegionCodeForCountryCode(parsed.country_code(), &where);
	}
	put(out->value, text);
	put(out->region, where.size() == 2 && where != "ZZ" ? where : "");
	return true;
}

void take_vn_mobile(const std::string &national, struct number *out)
{
	put(out->value, "+84" + national);
	put(out->region, "VN");
	out->valid = true;
	out->mobile = true;
}

void parse_msisdn(const std::string &source, uint8_t ton, const std::string &region,
		  struct number *out)
{
	bool vietnam = region == "VN";
	std::string number = with_country(source, ton, vietnam);
	std::string national = vn_national(number, vietnam);
	struct number other = *out;

	if (!modern(national).empty())
		number = "+84" + (national = modern(national));
	if (is_whole_mobile(national)) {
		take_vn_mobile(national, out);
		return;
	}
	bool shaped = read_number(number, region, out);
	/* A foreign number without + from a link that does not set the type of number. */
	if (!(shaped && out->valid) && number[0] != '+' && number[0] != '0' &&
	    ton != TON_NATIONAL && read_number("+" + number, region, &other) && other.valid)
		*out = other;
	else if (!shaped)
		put(out->value, source[0] == '+' ? source.substr(1) : source);
}

/* 3GPP 23.003 section 2.2: at most 15 digits; the field has room for 16. */
bool is_imsi(const char *source)
{
	size_t prefix = std::strlen(NUMBER_IMSI_PREFIX);
	size_t digits;

	if (std::strncmp(source, NUMBER_IMSI_PREFIX, prefix) != 0)
		return false;
	digits = std::strspn(source + prefix, "0123456789");
	return digits > 0 && digits <= 16 && source[prefix + digits] == '\0';
}

void parse(const char *source, uint8_t ton, const char *region, struct number *out)
{
	std::string digits = ton == TON_ALPHANUMERIC ? "" : digits_of(source);
	std::string name;

	if (ton != TON_ALPHANUMERIC && is_imsi(source)) {
		out->kind = NUMBER_IMSI;
		put(out->value, source);
		return;
	}
	if (digits.empty()) {
		name = folded_name(source);
		out->kind = name.empty() ? NUMBER_NONE : NUMBER_ALNUM;
		put(out->value, name);
		return;
	}
	std::string bare = digits[0] == '+' ? digits.substr(1) : digits;
	if (is_short(bare)) {
		out->kind = NUMBER_SHORT;
		put(out->value, bare);
		return;
	}
	out->kind = NUMBER_MSISDN;
	put(out->value, bare);
	parse_msisdn(digits, ton, region, out);
}

} /* namespace */

extern "C" void number_parse(const char *source, uint8_t ton, const char *region,
			     struct number *out)
{
	struct number result;

	std::memset(&result, 0, sizeof(result));
	result.kind = NUMBER_NONE;
	try {
		parse(source, ton, region, &result);
	} catch (...) { /* what was understood so far stays: kind and bare digits */
		result.valid = false;
		result.mobile = false;
	}
	*out = result;
}

bool number_knows_region(const char *region)
{
	return PhoneNumberUtil::GetInstance()->GetCountryCodeForRegion(region) != 0;
}

extern "C" bool number_may_reply(const struct number *number, const char *regions)
{
	if (number->kind != NUMBER_MSISDN || !number->valid || !number->mobile)
		return false;
	for (const char *p = regions; *p;) {
		size_t len = std::strcspn(p, ", ");

		if (len == 2 && std::strncmp(p, number->region, len) == 0)
			return true;
		p += len;
		p += std::strspn(p, ", ");
	}
	return false;
}

extern "C" void number_mask(const char *value, char out[NUMBER_MASK_MAX])
{
	size_t len = std::strlen(value);

	std::memcpy(out, "..", 3);
	if (len >= 2 && is_digit(value[len - 2]) && is_digit(value[len - 1]))
		std::memcpy(out + 2, value + len - 2, 3);
}

extern "C" void number_warm_up(void)
{
	struct number ignored;

	number_parse("+84912345678", TON_INTERNATIONAL, "VN", &ignored);
}
