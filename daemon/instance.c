// SPDX-License-Identifier: GPL-2.0-only
/* The lock, the pin directory and the network namespace of one daemon. */
#include "instance.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define BPFFS	  "/sys/fs/bpf"
#define PIN_ROOT  BPFFS "/ebpf-route"
#define NETNS_DIR "/run/netns"

/* A process that was killed holds its lock until the kernel has freed its maps and programs. */
enum { DYING_MS = 2000, POLL_MS = 20 };

static int make_dir(const char *path, mode_t mode)
{
	return mkdir(path, mode) && errno != EEXIST ? -errno : 0;
}

/* Whoever made it: nobody else is to find pins in it, or put any there. */
static int make_own_dir(const char *path)
{
	struct stat st;
	int err = make_dir(path, 0700);

	if (err)
		return err;
	if (lstat(path, &st))
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	return (st.st_mode & 0777) != 0700 && chmod(path, 0700) ? -errno : 0;
}

/* -ESTALE where the one who held it removed the file meanwhile: then it locks nothing. */
static int take_lock(struct instance *instance)
{
	int fd = open(instance->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat locked, named;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB))
		err = errno == EWOULDBLOCK ? -EBUSY : -errno;
	else if (fstat(fd, &locked) || stat(instance->lock, &named) ||
		 locked.st_ino != named.st_ino)
		err = -ESTALE;
	if (err) {
		close(fd);
		return err;
	}
	instance->lock_fd = fd;
	return 0;
}

int instance_claim(struct instance *instance, const char *name)
{
	int err = make_dir(CONTROL_SOCKET_DIR, 0755);

	memset(instance, 0, sizeof(*instance));
	instance->lock_fd = -1;
	if (err)
		return err;
	snprintf(instance->name, sizeof(instance->name), "%s", name);
	snprintf(instance->pin_dir, sizeof(instance->pin_dir), PIN_ROOT "/%s", name);
	snprintf(instance->socket, sizeof(instance->socket), CONTROL_SOCKET, name);
	snprintf(instance->lock, sizeof(instance->lock), CONTROL_SOCKET_DIR "/%s.lock", name);
	snprintf(instance->routes, sizeof(instance->routes), CONTROL_SOCKET_DIR "/%s.routes", name);
	for (unsigned int waited = 0;; waited += POLL_MS) {
		do {
			err = take_lock(instance);
		} while (err == -ESTALE);
		if (err != -EBUSY || waited >= DYING_MS)
			return err;
		usleep(POLL_MS * 1000);
	}
}

/* Did this mount namespace get its BPF file system from another one, as a service of systemd does? */
static bool is_bpffs_of_others(void)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[1024], place[256];
	bool is = false;

	if (!file)
		return false;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%*s %*s %*s %*s %255s", place) == 1 && strcmp(place, BPFFS) == 0)
			is = strstr(line, " master:") != NULL; /* the last one lies on top */
	fclose(file);
	return is;
}

/* Is the directory of pins one that nobody else will see (`ip netns exec` mounts its own /sys)? */
static bool mounts_are_private(void)
{
	struct stat own, first;

	return stat("/proc/self/ns/mnt", &own) == 0 && stat("/proc/1/ns/mnt", &first) == 0 &&
	       own.st_ino != first.st_ino && !is_bpffs_of_others();
}

int instance_make_pin_dir(struct instance *instance)
{
	struct statfs fs;
	int err;

	if (statfs(BPFFS, &fs))
		return -errno;
	if ((unsigned long)fs.f_type != BPF_FS_MAGIC && mount("bpf", BPFFS, "bpf", 0, "mode=0700"))
		return -errno;
	err = make_own_dir(PIN_ROOT);
	if (!err)
		err = make_own_dir(instance->pin_dir);
	if (err)
		return err;
	instance->pins = true;
	instance->private_mounts = mounts_are_private();
	return 0;
}

void instance_release(struct instance *instance, bool remove_pins)
{
	if (instance->lock_fd < 0)
		return;
	if (instance->pins && remove_pins) {
		rmdir(instance->pin_dir);
		rmdir(PIN_ROOT); /* fails while other instances are there */
	}
	unlink(instance->lock); /* while it is locked, see take_lock() */
	close(instance->lock_fd);
	instance->lock_fd = -1;
}

int instance_enter_netns(const char *name)
{
	char path[256];
	int fd, err = 0;

	if (strchr(name, '/') ||
	    snprintf(path, sizeof(path), NETNS_DIR "/%s", name) >= (int)sizeof(path))
		return -EINVAL;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (setns(fd, CLONE_NEWNET))
		err = -errno;
	close(fd);
	return err;
}
