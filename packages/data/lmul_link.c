#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE /* baud rates beyond 38400 */

#include "lmul_link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { ATTEMPTS = 6, COMMAND_HEAD = 5, ANSWER_HEAD = 7, TAIL = 4, PAYLOAD = 256, PATIENCE_MS = 1000, SETTLED_MS = 50 };
enum { STALLED_MS = 5000 };

static const char *const words[] = {
    "done",           "wrong CRC of a command", "stop bit missing in a command", "bytes before a command",
    "command cut short", "unknown command",     "payload too long",              "buffer full"};

static const struct {
    unsigned long baud;
    speed_t speed;
} speeds[] = {
    {1200, B1200},     {2400, B2400},     {4800, B4800}, {9600, B9600}, {19200, B19200}, {38400, B38400},
    {57600, B57600},   {115200, B115200}, {230400, B230400},
#ifdef B460800
    {460800, B460800},
#endif
#ifdef B921600
    {921600, B921600},
#endif
#ifdef B1000000
    {1000000, B1000000},
#endif
#ifdef B2000000
    {2000000, B2000000},
#endif
#ifdef B3000000
    {3000000, B3000000},
#endif
};

/* What came of one attempt. */
typedef enum { ANSWERED, AGAIN, GONE } outcome;

static int failed(lmul_link *link, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(link->error, sizeof link->error, format, arguments);
    va_end(arguments);
    return -1;
}

static uint32_t crc(const uint8_t *bytes, size_t count)
{
    uint32_t state = UINT32_MAX;
    int bit;
    for (; count; count--)
        for (state ^= *bytes++, bit = 0; bit < 8; bit++)
            state = state >> 1 ^ (state & 1 ? UINT32_C(0xEDB88320) : 0);
    return ~state;
}

static void put(uint8_t *to, uint32_t value, size_t bytes)
{
    for (; bytes; bytes--, value >>= 8)
        *to++ = (uint8_t)value;
}

static uint32_t get(const uint8_t *from, size_t bytes)
{
    uint32_t value = 0;
    while (bytes)
        value = value << 8 | from[--bytes];
    return value;
}

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* What so many bytes take, and half as much again. */
static long long line_ms(const lmul_link *link, size_t bytes) { return (long long)(15000 * bytes / link->baud); }

/* Wait until the port can be read or written: 1, or 0 when it is too late, or -1. */
static int wait_for(lmul_link *link, short what, long long until)
{
    struct pollfd port;
    int left, found;
    port.fd = link->port;
    port.events = what;
    do {
        left = (int)(until - now_ms());
        found = poll(&port, 1, left > 0 ? left : 0);
    } while (found < 0 && errno == EINTR);
    return found > 0 && !(port.revents & what) ? -1 : found;
}

/* Bytes that come until then: how many, or -1. */
static long hear(lmul_link *link, uint8_t *bytes, size_t count, long long until)
{
    size_t got = 0;
    while (got < count) {
        int ready = wait_for(link, POLLIN, until);
        ssize_t some;
        if (ready <= 0)
            return ready < 0 ? -1 : (long)got;
        some = read(link->port, bytes + got, count - got);
        if (some == 0 || (some < 0 && errno != EINTR && errno != EAGAIN))
            return -1;
        got += some > 0 ? (size_t)some : 0;
    }
    return (long)got;
}

static int say(lmul_link *link, const uint8_t *bytes, size_t count)
{
    long long until = now_ms() + 10 * PATIENCE_MS + line_ms(link, count);
    while (count) {
        ssize_t some;
        if (wait_for(link, POLLOUT, until) <= 0)
            return -1;
        some = write(link->port, bytes, count);
        if (some < 0 && errno != EINTR && errno != EAGAIN)
            return -1;
        bytes += some > 0 ? some : 0;
        count -= some > 0 ? (size_t)some : 0;
    }
    return 0;
}

/* Hear until the line is quiet, but not for ever: where the next answer begins is not known before. */
static void settle(lmul_link *link)
{
    long long until = now_ms() + PATIENCE_MS;
    while (now_ms() < until && hear(link, link->frame, 256, now_ms() + SETTLED_MS) > 0)
        ;
}

/* The answer with a sequence number into link->frame; what was wrong into *why. */
static outcome answer(lmul_link *link, uint8_t sequence, size_t sent, const char **why)
{
    long long until = now_ms() + PATIENCE_MS + line_ms(link, sent);
    uint8_t *frame = link->frame;
    int skipped = 0;
    for (;;) {
        size_t length, rest;
        unsigned status;
        long got = now_ms() < until ? hear(link, frame, 1, until) : 0;
        if (got <= 0) {
            *why = skipped ? "bytes that are no answer" : "no answer";
            return got < 0 ? GONE : AGAIN;
        }
        if (frame[0] != LMUL_ANSWER_SYNC) {
            skipped = 1;
            continue;
        }
        got = hear(link, frame + 1, ANSWER_HEAD - 1, now_ms() + PATIENCE_MS);
        length = got == ANSWER_HEAD - 1 ? get(frame + 3, 2) : 0;
        rest = length + TAIL;
        if (got == ANSWER_HEAD - 1 && length <= LMUL_MAX_PAYLOAD) {
            got = hear(link, frame + ANSWER_HEAD, rest, now_ms() + PATIENCE_MS + line_ms(link, rest));
            if (got == (long)rest && crc(frame + 1, ANSWER_HEAD - 1 + length) == get(frame + ANSWER_HEAD + length, TAIL)) {
                status = frame[1] & 0x0F;
                if (status >= LMUL_BAD_CRC && status <= LMUL_CUT_SHORT) {
                    *why = words[status];
                    return AGAIN;
                }
                if (frame[2] == sequence)
                    return ANSWERED;
                continue; /* of an earlier command, which was sent again for it */
            }
            *why = got == (long)rest ? "wrong CRC of an answer" : "answer cut short";
        } else {
            *why = got == ANSWER_HEAD - 1 ? "wrong CRC of an answer" : "answer cut short";
        }
        if (got < 0)
            return GONE;
        settle(link);
        return AGAIN;
    }
}

/* The status of a command's answer, done or full, whose payload is left in link->frame and *count long; or -1. */
static int ask(lmul_link *link, unsigned command, const uint8_t *payload, size_t length, size_t *count)
{
    static const char *const names[] = {"", "identify", "write", "read", "reset"};
    uint8_t frame[COMMAND_HEAD + PAYLOAD + TAIL];
    const char *why = "";
    int attempt;
    unsigned status;
    frame[0] = LMUL_COMMAND_SYNC;
    frame[1] = (uint8_t)command;
    frame[2] = ++link->sequence;
    put(frame + 3, (uint32_t)length, 2);
    if (length)
        memcpy(frame + COMMAND_HEAD, payload, length);
    put(frame + COMMAND_HEAD + length, crc(frame + 1, COMMAND_HEAD - 1 + length), TAIL);
    for (attempt = 0; attempt < ATTEMPTS; attempt++) {
        outcome found = GONE;
        link->resent += attempt > 0;
        if (!tcflush(link->port, TCIFLUSH) && !say(link, frame, COMMAND_HEAD + length + TAIL))
            found = answer(link, frame[2], COMMAND_HEAD + length + TAIL, &why);
        if (found == GONE)
            return failed(link, "Board must stay connected, but the port is gone");
        if (found == AGAIN)
            continue;
        status = link->frame[1] & 0x0F;
        link->room = get(link->frame + 5, 2);
        *count = get(link->frame + 3, 2);
        if (status != LMUL_DONE && status != LMUL_FULL)
            return failed(link, "Board must take what protocol version %d has, but answered %s with: %s", LMUL_VERSION,
                          names[command], status <= LMUL_FULL ? words[status] : "unknown status");
        if (command != LMUL_IDENTIFY && command != LMUL_RESET && link->frame[1] & LMUL_CORE_ERROR)
            return failed(link, "Board must be sent what its design takes, but had passes of one run with unlike vectors");
        if (command != LMUL_IDENTIFY && command != LMUL_RESET && link->frame[1] & LMUL_RECORD_ERROR)
            return failed(link, "Board must be sent what its design takes, but had a record of no stream");
        return (int)status;
    }
    return failed(link, "Board must answer, but did not: %s was sent %d times, at last %s", names[command], ATTEMPTS, why);
}

/* Eight bits, no parity, nothing changed on the way. */
static int set_up(lmul_link *link)
{
    struct termios set;
    size_t n, count = sizeof speeds / sizeof *speeds;
    for (n = 0; n < count && speeds[n].baud != link->baud; n++)
        ;
    if (n == count)
        return failed(link, "Baud rate must be one that this machine has a word for, not %lu", link->baud);
    if (tcgetattr(link->port, &set))
        return failed(link, "Serial port must be one: %s", strerror(errno));
    set.c_iflag = 0;
    set.c_oflag = 0;
    set.c_lflag = 0;
    set.c_cflag = CS8 | CREAD | CLOCAL;
    set.c_cc[VMIN] = 0;
    set.c_cc[VTIME] = 0;
    if (cfsetispeed(&set, speeds[n].speed) || cfsetospeed(&set, speeds[n].speed)
        || tcsetattr(link->port, TCSANOW, &set))
        return failed(link, "Serial port must take %lu baud: %s", link->baud, strerror(errno));
    return 0;
}

int lmul_open(lmul_link *link, const char *port, unsigned long baud)
{
    size_t count = 0;
    memset(link, 0, sizeof *link);
    link->baud = baud;
    link->port = open(port, O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (link->port < 0)
        return failed(link, "Serial port must be there, not '%.400s': %s", port, strerror(errno));
    if (!set_up(link) && ask(link, LMUL_IDENTIFY, NULL, 0, &count) == LMUL_DONE) {
        const uint8_t *said = link->frame + ANSWER_HEAD;
        if (count > 5 && said[0] == LMUL_VERSION && count - 5 < sizeof link->slug) {
            link->inbox = get(said + 1, 2);
            link->outbox = get(said + 3, 2);
            memcpy(link->slug, said + 5, count - 5);
            if (!lmul_reset(link))
                return 0;
        } else {
            failed(link, "Board must speak protocol version %d", LMUL_VERSION);
        }
    }
    lmul_close(link);
    return -1;
}

int lmul_reset(lmul_link *link)
{
    size_t count;
    return ask(link, LMUL_RESET, NULL, 0, &count) < 0 ? -1 : 0;
}

int lmul_write(lmul_link *link, const uint8_t *records, size_t count, size_t *sent)
{
    size_t none;
    int status;
    *sent = count < PAYLOAD ? count : PAYLOAD;
    if (*sent > link->room)
        *sent = link->room;
    if (!*sent)
        return 0;
    status = ask(link, LMUL_WRITE, records, *sent, &none);
    if (status == LMUL_FULL)
        *sent = 0;
    return status < 0 ? -1 : 0;
}

int lmul_read(lmul_link *link, uint8_t *bytes, size_t *count)
{
    if (ask(link, LMUL_READ, NULL, 0, count) < 0)
        return -1;
    memcpy(bytes, link->frame + ANSWER_HEAD, *count);
    return 0;
}

/* A run: its records out, its results in. */
static int run(lmul_link *link, const uint8_t *records, size_t out, uint8_t *results, size_t in)
{
    long long moved = now_ms();
    size_t sent = 0, got = 0, some = 0, more = 0;
    while (got < in) {
        some = more = 0;
        if (sent < out && link->room && lmul_write(link, records + sent, out - sent, &some))
            return -1;
        sent += some;
        if (!some || sent == out) { /* results that are not read hold the core up */
            if (ask(link, LMUL_READ, NULL, 0, &more) < 0)
                return -1;
            if (more > in - got)
                return failed(link, "Board must give %lu bytes of results, not more", (unsigned long)in);
            memcpy(results + got, link->frame + ANSWER_HEAD, more);
            got += more;
        }
        if (some || more)
            moved = now_ms();
        else if (now_ms() > moved + STALLED_MS)
            return failed(link, "Board must take beats and give results, but has done neither for %d s",
                          STALLED_MS / 1000);
    }
    return 0;
}

int lmul_multiply(lmul_link *link, const lmul_design *design, const lmul_product *product, uint32_t *c)
{
    size_t n, runs = lmul_runs(design, product);
    int wrong = 0;
    if (strcmp(link->slug, design->slug))
        return failed(link, "Board must have '%.200s' on it, not '%.200s'", design->slug, link->slug);
    if (lmul_reset(link))
        return -1;
    for (n = 0; n < runs && !wrong; n++) {
        size_t out = lmul_run_bytes(design, product, n), in = lmul_result_bytes(design, product, n);
        uint8_t *records = malloc(out), *results = malloc(in);
        if (!records || !results) {
            wrong = failed(link, "Memory must hold a run of %lu bytes", (unsigned long)(out + in));
        } else {
            lmul_run_records(design, product, n, records);
            wrong = run(link, records, out, results, in);
            if (!wrong)
                lmul_run_results(design, product, n, results, c);
        }
        free(records);
        free(results);
    }
    return wrong;
}

void lmul_close(lmul_link *link)
{
    if (link->port >= 0)
        close(link->port);
    link->port = -1;
}
