/* Any bytes as a text that somebody sent: read, matched, joined and triaged without a fault, and the same
 * bytes always mean the same. The first line is an author's phrase, the rest the text. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flows/engine/phrase.h"
#include "flows/engine/reading.h"
#include "flows/engine/split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void match(const char *phrase, const char *text)
{
	struct word_classes classes = {0};
	struct phrases list = {.classes = &classes}, voids = {0};
	struct reading reading;
	size_t found;

	classes_begin(&classes, "a");
	classes_add(&classes, "đánh");
	classes_add(&classes, "=bạt tai");
	if (!phrases_add(&list, phrase) || !phrases_add(&voids, "không bị")) {
		phrases_free(&list);
		phrases_free(&voids);
		classes_free(&classes);
		return;
	}
	reading_init(&reading, text);
	classes_mark(&classes, &reading);
	found = phrases_find(&list, &reading);
	phrases_void_after(&voids, &reading);
	if (phrases_find(&list, &reading) > found)
		abort(); /* what is denied is never more */
	phrases_make_idle(&voids, &reading);
	phrases_find(&list, &reading);
	reading_fini(&reading);
	phrases_free(&list);
	phrases_free(&voids);
	classes_free(&classes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *input = mem_strndup((const char *)data, size), *text = input;
	char *phrase = strsep(&text, "\n"), *first, *second, *joined;

	text = text ? text : phrase;
	first = reading_fold(text);
	second = reading_fold(text);
	if (strcmp(first, second))
		abort();
	match(phrase, text);
	joined = split_join(&phrase, 1, text);
	mem_free(joined);
	mem_free(first);
	mem_free(second);
	mem_free(input);
	return 0;
}
