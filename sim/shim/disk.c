/* A disk that does what disks do: loses what was not synced, hangs, fails, is full. Preloaded into a node (LD_PRELOAD).
 *
 * DISK_DIR: files in it whose names begin with "journal" are on this disk. DISK_UNDO: what is needed to take back each
 * write since the last sync of its file; sim/power.py takes some of them back, in sectors, after the process was killed.
 * A file "hang", "fail" or "full" beside DISK_UNDO makes every sync wait, every sync fail, every write find no room.
 *
 * A record of DISK_UNDO: kind (W, T or S), length of the path, offset, length of the change, length of what was there,
 * size of the file before; then the path and what was there. Names in the directory are taken as durable at once.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SYNC_US = 10000 }; /* as a disk that turns: long enough for the power to go meanwhile */

struct head { int64_t kind, path, offset, length, kept, size; };

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int undo = -1;

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);

__attribute__((constructor)) static void begin(void) {
    real_pwrite = (ssize_t (*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite64");
    real_write = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    real_ftruncate = (int (*)(int, off_t))dlsym(RTLD_NEXT, "ftruncate64");
    real_fsync = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    if (getenv("DISK_UNDO")) undo = open(getenv("DISK_UNDO"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static int is_told(const char *what) {
    char path[4096];
    const char *log = getenv("DISK_UNDO");
    const char *slash = log ? strrchr(log, '/') : NULL;
    if (!slash) return 0;
    snprintf(path, sizeof path, "%.*s/%s", (int)(slash - log), log, what);
    return access(path, F_OK) == 0;
}

static int on_disk(int fd, char *path, size_t room) {
    char link[64];
    const char *dir = getenv("DISK_DIR");
    if (undo < 0 || !dir || fd == undo) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, room - 1);
    if (length < 0) return 0;
    path[length] = 0;
    size_t size = strlen(dir);
    return !strncmp(path, dir, size) && path[size] == '/' && !strncmp(path + size + 1, "journal", 7);
}

/* Says how a file was before `length` bytes at `offset` are changed; the turn is held. */
static void before(int kind, int fd, const char *path, off_t offset, size_t length) {
    struct stat now;
    if (fstat(fd, &now)) abort();
    size_t kept = 0;
    if (kind != 'S' && offset < now.st_size)
        kept = kind == 'T' || offset + (off_t)length > now.st_size ? (size_t)(now.st_size - offset) : length;
    char *old = malloc(kept + 1);
    for (size_t at = 0; at < kept;) {
        ssize_t got = pread(fd, old + at, kept - at, offset + at);
        if (got <= 0) { memset(old + at, 0, kept - at); break; }
        at += got;
    }
    struct head head = {kind, strlen(path), offset, length, kept, now.st_size};
    struct iovec parts[] = {{&head, sizeof head}, {(void *)path, strlen(path)}, {old, kept}};
    if (writev(undo, parts, 3) != (ssize_t)(sizeof head + strlen(path) + kept)) abort();
    free(old);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) {
    char path[4096];
    if (!on_disk(fd, path, sizeof path)) return real_pwrite(fd, data, length, offset);
    if (is_told("full")) { errno = ENOSPC; return -1; }
    pthread_mutex_lock(&turn);
    before('W', fd, path, offset, length);
    ssize_t done = real_pwrite(fd, data, length, offset);
    pthread_mutex_unlock(&turn);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return pwrite64(fd, data, length, offset); }

ssize_t write(int fd, const void *data, size_t length) {
    char path[4096];
    if (!real_write) real_write = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    if (fd < 3 || !on_disk(fd, path, sizeof path)) return real_write(fd, data, length);
    off_t at = lseek(fd, 0, SEEK_CUR);
    ssize_t done = pwrite64(fd, data, length, at);
    if (done > 0) lseek(fd, at + done, SEEK_SET);
    return done;
}

int ftruncate64(int fd, off_t size) {
    char path[4096];
    if (!on_disk(fd, path, sizeof path)) return real_ftruncate(fd, size);
    pthread_mutex_lock(&turn);
    before('T', fd, path, size, 0);
    int done = real_ftruncate(fd, size);
    pthread_mutex_unlock(&turn);
    return done;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int synced(int fd, int (*real)(int)) {
    char path[4096];
    if (!on_disk(fd, path, sizeof path)) return real(fd);
    usleep(SYNC_US);
    while (is_told("hang")) usleep(20000);
    if (is_told("fail")) { errno = EIO; return -1; }
    pthread_mutex_lock(&turn);  /* what is written after this is not synced by it */
    before('S', fd, path, 0, 0);
    pthread_mutex_unlock(&turn);
    return 0;  /* what the machine's own disk does is of no interest: no real power is cut */
}

int fsync(int fd) { return synced(fd, real_fsync); }
int fdatasync(int fd) { return synced(fd, real_fdatasync); }
