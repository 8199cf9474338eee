/* Classes of words and the marks they leave on a text. */
#include "flows/engine/classes.h"

#include <string.h>

#include "base/mem.h"
#include "flows/engine/reading.h"

uint64_t classes_find(const struct word_classes *classes, const char *name, size_t len)
{
	const char *own;

	for (size_t i = 0; i < classes->count; i++) {
		own = classes->items[i].name;
		if (strlen(own) == len && !memcmp(own, name, len))
			return classes->items[i].set;
	}
	return 0;
}

bool classes_begin(struct word_classes *classes, const char *name)
{
	if (classes->count == CLASSES_MAX || classes_find(classes, name, strlen(name)))
		return false;
	classes->items[classes->count] = (struct word_class){
		.name = mem_strdup(name), .set = (uint64_t)1 << classes->count,
	};
	classes->count++;
	return true;
}

/* Where the first entry of that hash stands, or belongs. */
static size_t place_of(const struct word_classes *classes, uint32_t hash)
{
	size_t low = 0, high = classes->entry_count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (classes->entries[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void enter(struct word_classes *classes, uint32_t hash, size_t class, size_t member)
{
	size_t at = place_of(classes, hash);

	classes->entries = mem_array(classes->entries, classes->entry_count + 1, sizeof *classes->entries);
	memmove(&classes->entries[at + 1], &classes->entries[at],
	        (classes->entry_count - at) * sizeof *classes->entries);
	classes->entries[at] = (struct class_entry){
		.hash = hash, .class = (uint16_t)class, .member = (uint16_t)member,
	};
	classes->entry_count++;
}

static bool add_words(struct word_classes *classes, const char *member)
{
	struct word_class *to = &classes->items[classes->count - 1];
	struct reading reading;
	struct choice *choice;
	bool some;

	reading_init_plain(&reading, member);
	some = reading.count > 0 && to->count < CLASS_MEMBERS_MAX;
	if (some) {
		to->members = mem_array(to->members, to->count + 1, sizeof *to->members);
		choice = &to->members[to->count++];
		choice_read(choice, &reading, 0, reading.count);
		choice->strict = member[0] == '=';
		to->accented |= choice_is_accented(choice);
		to->longest = choice->count > to->longest ? choice->count : to->longest;
		enter(classes, choice->words[0].hash, classes->count - 1, to->count - 1);
	}
	reading_fini(&reading);
	return some;
}

bool classes_add(struct word_classes *classes, const char *member)
{
	size_t len = strlen(member);
	uint64_t other;

	if (len < 3 || member[0] != '<' || member[len - 1] != '>')
		return add_words(classes, member);
	other = classes_find(classes, member + 1, len - 2);
	classes->items[classes->count - 1].set |= other;
	return other != 0;
}

void classes_free(struct word_classes *classes)
{
	struct word_class *item;

	for (size_t i = 0; i < classes->count; i++) {
		item = &classes->items[i];
		for (size_t k = 0; k < item->count; k++)
			choice_free(&item->members[k]);
		mem_free(item->members);
		mem_free(item->name);
	}
	mem_free(classes->entries);
	*classes = (struct word_classes){0};
}

static void mark_reading(const struct word_classes *classes, struct reading *reading, size_t at, uint32_t hash)
{
	struct heard *heard = &reading->words[at];
	const struct class_entry *entry;
	const struct word_class *item;
	size_t len;

	for (size_t i = place_of(classes, hash); i < classes->entry_count; i++) {
		entry = &classes->entries[i];
		if (entry->hash != hash)
			return;
		item = &classes->items[entry->class];
		len = choice_matches(&item->members[entry->member],
		                     (struct choice_rule){.accented = item->accented}, reading, at);
		heard->classes |= (uint64_t)(len > 0) << entry->class;
		heard->long_classes |= (uint64_t)(len > 1) << entry->class;
	}
}

/* A word with lost letters may be any. */
void classes_mark(const struct word_classes *classes, struct reading *reading)
{
	struct heard *heard;

	reading->classes = 0;
	for (size_t at = 0; at < reading->count; at++) {
		heard = &reading->words[at];
		heard->classes = heard->long_classes = heard->as[0].wild ? ~UINT64_C(0) : 0;
		for (size_t k = 0; k < heard->count && !heard->as[0].wild; k++)
			mark_reading(classes, reading, at, heard->as[k].hash);
		reading->classes |= heard->classes;
	}
}

static size_t longest_member(const struct word_class *item, struct choice_rule rule,
                             const struct reading *reading, size_t at)
{
	size_t longest = 0, len;

	for (size_t k = 0; k < item->count; k++) {
		len = choice_matches(&item->members[k], rule, reading, at);
		longest = len > longest ? len : longest;
	}
	return longest;
}

size_t classes_match(const struct word_classes *classes, uint64_t which, struct choice_rule rule,
                     const struct reading *reading, size_t at)
{
	size_t longest = 0, len;

	if (reading->words[at].idle)
		return 0;
	which &= reading->words[at].classes;
	if (!rule.strict && !(which & reading->words[at].long_classes))
		return which != 0;
	for (size_t i = 0; which && i < classes->count; i++, which >>= 1) {
		if (!(which & 1))
			continue;
		len = longest_member(&classes->items[i], rule, reading, at);
		longest = len > longest ? len : longest;
	}
	return longest;
}

size_t classes_longest(const struct word_classes *classes, uint64_t which)
{
	size_t longest = 0;

	for (size_t i = 0; i < classes->count; i++)
		if ((which >> i & 1) && classes->items[i].longest > longest)
			longest = classes->items[i].longest;
	return longest;
}

bool classes_accented(const struct word_classes *classes, uint64_t which)
{
	for (size_t i = 0; i < classes->count; i++)
		if ((which >> i & 1) && classes->items[i].accented)
			return true;
	return false;
}
