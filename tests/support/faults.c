/* Preloaded into the program under test: numbers the steps by which it makes
 * things durable (syncs, links, renames, removals, writes of files), and at one
 * of them kills the process or lets the step fail.
 *
 * FAULT_UNDER  only steps on paths below this folder count
 * FAULT_GATE   only while this file exists
 * FAULT_LOG    each step is written down here: its number, name and path
 * FAULT_PLAN   ACTION STEP: kill-before, kill-after, eio (once), or
 *              enospc (every write from that step on, whatever STEP is) */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_int steps;

static int is_on(const char *path) {
    const char *under = getenv("FAULT_UNDER"), *gate = getenv("FAULT_GATE");
    return under && gate && path && strstr(path, under) && !strstr(path, "-shm") && access(gate, F_OK) == 0;
}

static const char *path_of(int fd, char *buffer) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, buffer, PATH_MAX - 1);
    if (length < 0) return NULL;
    buffer[length] = 0;
    return buffer;
}

static void note(int step, const char *name, const char *path) {
    char line[PATH_MAX + 64];
    int length = snprintf(line, sizeof line, "%d %s %s\n", step, name, path);
    int log = open(getenv("FAULT_LOG"), O_WRONLY | O_APPEND | O_CREAT, 0600);
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    if (log >= 0) { real(log, line, length); close(log); }
}

/* Returns the number of the step, or 0 where it does not count. */
static int begin(const char *name, const char *path) {
    if (!is_on(path)) return 0;
    int step = ++steps, planned = 0;
    char action[32] = "";
    const char *plan = getenv("FAULT_PLAN");
    if (plan) sscanf(plan, "%31s %d", action, &planned);
    if (step == planned && !strcmp(action, "kill-before")) kill(getpid(), SIGKILL);
    if (step == planned && !strcmp(action, "eio")) { note(step, action, path); errno = EIO; return -1; }
    if (!strcmp(action, "enospc") && strstr(name, "write")) { errno = ENOSPC; return -1; }
    return step;
}

static void end(int step, const char *name, const char *path) {
    if (!step) return;
    int planned = 0;
    char action[32] = "";
    const char *plan = getenv("FAULT_PLAN");
    if (plan) sscanf(plan, "%31s %d", action, &planned);
    note(step, name, path);
    if (step == planned && !strcmp(action, "kill-after")) kill(getpid(), SIGKILL);
}

#define STEP(type, name, params, args, path)                          \
    type name params {                                                \
        static type(*real) params;                                    \
        if (!real) real = dlsym(RTLD_NEXT, #name);                    \
        char buffer[PATH_MAX];                                        \
        (void)buffer;                                                 \
        const char *where = path;                                     \
        int step = begin(#name, where);                               \
        if (step < 0) return -1;                                      \
        type result = real args;                                      \
        end(step, #name, where);                                      \
        return result;                                                \
    }

STEP(int, fsync, (int fd), (fd), path_of(fd, buffer))
STEP(int, fdatasync, (int fd), (fd), path_of(fd, buffer))
STEP(ssize_t, write, (int fd, const void *bytes, size_t size), (fd, bytes, size), path_of(fd, buffer))
STEP(int, link, (const char *from, const char *to), (from, to), to)
STEP(int, linkat, (int a, const char *from, int b, const char *to, int flags), (a, from, b, to, flags), to)
STEP(int, rename, (const char *from, const char *to), (from, to), to)
STEP(int, unlink, (const char *path), (path), path)

/* The database's pages: too many to be steps of their own, but they need room. */
static int is_full(const char *path) {
    const char *plan = getenv("FAULT_PLAN");
    return plan && !strncmp(plan, "enospc", 6) && is_on(path);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real) real = dlsym(RTLD_NEXT, "pwrite64");
    char buffer[PATH_MAX];
    if (is_full(path_of(fd, buffer))) { errno = ENOSPC; return -1; }
    return real(fd, bytes, size, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) { return pwrite64(fd, bytes, size, at); }
