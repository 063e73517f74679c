/* A board with a core on a serial line, driven by POSIX: what goes over the line is in docs/link.md. Nothing hangs; an
   error of the line is made good by sending again, or is named. */
#ifndef LMUL_LINK_H
#define LMUL_LINK_H

#include "lmul_beats.h"

enum { LMUL_VERSION = 1, LMUL_COMMAND_SYNC = 0xA5, LMUL_ANSWER_SYNC = 0x5A };
enum { LMUL_IDENTIFY = 1, LMUL_WRITE = 2, LMUL_READ = 3, LMUL_RESET = 4 };
enum {
    LMUL_DONE,
    LMUL_BAD_CRC,
    LMUL_FRAMING,
    LMUL_GARBAGE,
    LMUL_CUT_SHORT,
    LMUL_UNKNOWN,
    LMUL_TOO_LONG,
    LMUL_FULL
};
enum { LMUL_CORE_ERROR = 0x80, LMUL_RECORD_ERROR = 0x40 }; /* beside the status */
enum { LMUL_MAX_PAYLOAD = 1 << 15 };

typedef struct {
    int port; /* a file descriptor, -1: none */
    unsigned long baud;
    uint8_t sequence;
    size_t inbox, outbox; /* bytes of the board's buffers */
    size_t room;          /* bytes of records that it would take */
    char slug[512];       /* what is on it */
    unsigned resent;      /* commands that were sent again */
    char error[640];      /* of the last function that failed, in one sentence */
    uint8_t frame[LMUL_MAX_PAYLOAD + 16];
} lmul_link;

/* All of these give 0, or -1 and leave a sentence in link->error. */

/* Open a port, learn what is on the board, and reset it. */
int lmul_open(lmul_link *link, const char *port, unsigned long baud);

/* Drop all that the board has. */
int lmul_reset(lmul_link *link);

/* Send records, as many of their bytes as there is room for: that many says *sent. */
int lmul_write(lmul_link *link, const uint8_t *records, size_t count, size_t *sent);

/* Take the bytes of results that there are, at most link->outbox. */
int lmul_read(lmul_link *link, uint8_t *bytes, size_t *count);

/* A product by the board, which must have this design: c is rows by cols. */
int lmul_multiply(lmul_link *link, const lmul_design *design, const lmul_product *product, uint32_t *c);

void lmul_close(lmul_link *link);

#endif
