/* powercut FOLDER: the file system under it loses power: what was not synced is gone. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>

#define SHUTDOWN _IOR('X', 125, uint32_t) /* FS_IOC_SHUTDOWN of ext4, xfs and f2fs */

int main(int argc, char **argv)
{
	uint32_t without_log_flush = 2;
	int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;

	if (fd < 0 || ioctl(fd, SHUTDOWN, &without_log_flush) != 0) {
		perror("powercut");
		return 1;
	}
	return 0;
}
