/* keys init, backup and restore: the commands of the key ceremony (doc/keys.md). Need no daemon. */
#include "ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "store/vault.h"

enum { PASSPHRASE_MAX = 1024, PASSPHRASE_MIN = 8, ERROR_MAX = 1024 };

/* One line from an open file, without its end; false if empty, too long or unreadable. */
static bool read_line(int fd, char out[PASSPHRASE_MAX])
{
	size_t len = 0;
	ssize_t n = 0;

	while (len < PASSPHRASE_MAX && (n = read(fd, out + len, 1)) == 1 && out[len] != '\n')
		len++;
	if (n < 0 || len == PASSPHRASE_MAX)
		return false;
	if (len > 0 && out[len - 1] == '\r')
		len--;
	out[len] = '\0';
	return len > 0;
}

static bool passphrase_from_file(const char *path, char out[PASSPHRASE_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	bool ok = false;

	if (fd < 0 || fstat(fd, &st) != 0)
		ctl_error("%s: %s", path, strerror(errno));
	else if (S_ISREG(st.st_mode) && (st.st_mode & 077) != 0)
		ctl_error("%s: group or others may read it; do: chmod 600 %s", path, path);
	else if (!read_line(fd, out))
		ctl_error("%s: the first line must be a passphrase of less than %d bytes", path,
			  PASSPHRASE_MAX);
	else
		ok = true;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* From the terminal itself, so that a pipe on standard input is left alone; without echo. */
static bool prompt(const char *question, char out[PASSPHRASE_MAX])
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct termios before, silent;
	bool ok;

	if (fd < 0 || tcgetattr(fd, &before) != 0) {
		ctl_error("there is no terminal to ask for the passphrase: use --passphrase-file FILE");
		if (fd >= 0)
			close(fd);
		return false;
	}
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(fd, TCSAFLUSH, &silent);
	dprintf(fd, "%s", question);
	ok = read_line(fd, out);
	tcsetattr(fd, TCSAFLUSH, &before);
	dprintf(fd, "\n");
	close(fd);
	if (!ok)
		ctl_error("no passphrase was given");
	return ok;
}

static bool get_passphrase(const char *file, bool twice, char out[PASSPHRASE_MAX])
{
	char again[PASSPHRASE_MAX];
	bool same;

	if (file != NULL)
		return passphrase_from_file(file, out);
	if (!prompt("Passphrase: ", out))
		return false;
	if (!twice)
		return true;
	same = prompt("The same again: ", again) && strcmp(out, again) == 0;
	if (!same)
		ctl_error("the two passphrases differ");
	sodium_memzero(again, sizeof again);
	return same;
}

int cmd_keys_init(int argc, char **argv)
{
	const char *dir = NULL, *team = "hotline";
	const struct ctl_option options[] = {
		{ "--dir", &dir, NULL, true },
		{ "--team", &team, NULL, true },
		{ NULL, NULL, NULL, false },
	};
	char error[ERROR_MAX];

	if (!ctl_parse(argc, argv, 2, options, NULL, 0, 0))
		return CTL_USAGE;
	if (!vault_init_dir(dir, team, error, sizeof error)) {
		ctl_error("keys init: %s", error);
		return CTL_CONFIG;
	}
	printf("Keys made in %s:\n"
	       "  root.key, index.key            stay on the daemon's host; back them up now\n"
	       "  escrow.pub, team-%s.pub   stay on the daemon's host\n"
	       "  team-%s.identity          to the officers who read reports, then off this host\n"
	       "  escrow.identity                to the safe on paper or USB, then off this host\n"
	       "Next: hotlinectl keys backup --dir %s --out FILE; the whole ceremony is doc/keys.md\n",
	       dir, team, team, dir);
	return CTL_OK;
}

int cmd_keys_backup(int argc, char **argv)
{
	const char *dir = NULL, *out = NULL, *file = NULL;
	const struct ctl_option options[] = {
		{ "--dir", &dir, NULL, true },
		{ "--out", &out, NULL, true },
		{ "--passphrase-file", &file, NULL, false },
		{ NULL, NULL, NULL, false },
	};
	char passphrase[PASSPHRASE_MAX], error[ERROR_MAX];
	enum ctl_exit status = CTL_USAGE;

	if (!ctl_parse(argc, argv, 2, options, NULL, 0, 0))
		return CTL_USAGE;
	if (!get_passphrase(file, true, passphrase))
		goto out;
	if (strlen(passphrase) < PASSPHRASE_MIN) {
		ctl_error("a passphrase has at least %d characters; six random words are good",
			  PASSPHRASE_MIN);
		goto out;
	}
	status = vault_backup(dir, out, passphrase, error, sizeof error) ? CTL_OK : CTL_CONFIG;
	if (status != CTL_OK)
		ctl_error("keys backup: %s", error);
	else
		printf("Backup written to %s. It holds no identities. Try it now: hotlinectl keys "
		       "restore --in %s --dir NEW-FOLDER\n",
		       out, out);
out:
	sodium_memzero(passphrase, sizeof passphrase);
	return (int)status;
}

int cmd_keys_restore(int argc, char **argv)
{
	const char *dir = NULL, *in = NULL, *file = NULL;
	const struct ctl_option options[] = {
		{ "--in", &in, NULL, true },
		{ "--dir", &dir, NULL, true },
		{ "--passphrase-file", &file, NULL, false },
		{ NULL, NULL, NULL, false },
	};
	char passphrase[PASSPHRASE_MAX], error[ERROR_MAX];
	enum ctl_exit status = CTL_USAGE;

	if (!ctl_parse(argc, argv, 2, options, NULL, 0, 0))
		return CTL_USAGE;
	if (!get_passphrase(file, false, passphrase))
		goto out;
	status = vault_restore(in, dir, passphrase, error, sizeof error) ? CTL_OK : CTL_CONFIG;
	if (status != CTL_OK)
		ctl_error("keys restore: %s", error);
	else
		printf("Keys restored to %s.\n", dir);
out:
	sodium_memzero(passphrase, sizeof passphrase);
	return (int)status;
}
