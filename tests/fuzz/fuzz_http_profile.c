/* Fuzz target: octets as a profile. Whatever loads can be used, whatever does not says where. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/http/profile.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct http_profile *profile)
{
	static const char path[] = "/a/b";
	struct http_fields fields = {0};
	struct buf out = {0};
	int status;

	http_profile_door(profile, (struct http_slice){path, 4}, HTTP_POST, &fields, &status);
	for (size_t i = 0; i < profile->send.field_count; i++)
		http_fill(profile->send.fields[i].value, NULL, 0, HTTP_AS_FORM, &out);
	http_fields_fini(&fields);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *exact = mem_dup(data, size), error[500] = "";
	struct http_profile *profile = http_profile_read("p", exact, size, error, sizeof(error));

	if (profile)
		use(profile);
	else if (strncmp(error, "p:", 2) != 0)
		abort();
	http_profile_free(profile);
	mem_free(exact);
	return 0;
}
