
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/*
 * A client that asks again and again over one connection.
 *
 *   probe count PORT PATH N [HEADER]...         N requests, then the end
 *   probe time PORT PATH SECONDS [HEADER]...    for so long, and tells how
 *                                               long the answers took, as JSON
 *
 * To tell of a server what is not its own fault, it runs before all other
 * programs where it is allowed to, and keeps its memory.
 */


#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>


#define PROBE_TIMES   8000000
#define PROBE_BUFFER  65536

/* in milliseconds: longer ones are counted */
#define PROBE_STALL   2


static void probe_prepare(int argc, char **argv);
static int probe_connect(int port);
static int probe_request(int fd);
static int probe_answer(char *buf, ssize_t n, long *left);
static double probe_now(void);
static int probe_time(int fd, double seconds);
static int probe_order(const void *one, const void *two);


static char    probe_text[8192];
static size_t  probe_len;
static float  *probe_times;


int
main(int argc, char **argv)
{
    int   fd;
    long  i, n;

    if (argc < 5) {
        fputs("usage: probe count PORT PATH N [HEADER]...\n"
              "       probe time PORT PATH SECONDS [HEADER]...\n", stderr);
        return 2;
    }

    probe_prepare(argc, argv);

    fd = probe_connect(atoi(argv[2]));
    if (fd < 0) {
        perror("probe: connect()");
        return 1;
    }

    if (strcmp(argv[1], "time") == 0) {
        return probe_time(fd, atof(argv[4]));
    }

    n = atol(argv[4]);

    for (i = 0; i < n; i++) {
        if (probe_request(fd) != 0) {
            fprintf(stderr, "probe: no 200 to request %ld\n", i + 1);
            return 1;
        }
    }

    return 0;
}


static void
probe_prepare(int argc, char **argv)
{
    int  i, len;

    len = snprintf(probe_text, sizeof(probe_text),
                   "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n", argv[3]);

    for (i = 5; i < argc; i++) {
        len += snprintf(probe_text + len, sizeof(probe_text) - (size_t) len,
                        "%s\r\n", argv[i]);
    }

    len += snprintf(probe_text + len, sizeof(probe_text) - (size_t) len,
                    "\r\n");

    probe_len = (size_t) len;
}


static int
probe_connect(int port)
{
    int                 fd, on;
    struct timeval      tv;
    struct sockaddr_in  sin;

    on = 1;
    tv.tv_sec = 30;
    tv.tv_usec = 0;

    memset(&sin, 0, sizeof(struct sockaddr_in));

    sin.sin_family = AF_INET;
    sin.sin_port = htons((unsigned short) port);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0
        || connect(fd, (struct sockaddr *) &sin, sizeof(sin)) != 0
        || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) != 0
        || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(int)) != 0)
    {
        return -1;
    }

    return fd;
}


/* one request and the whole of its answer */

static int
probe_request(int fd)
{
    long         left;
    ssize_t      n;
    static char  buf[PROBE_BUFFER];

    if (send(fd, probe_text, probe_len, MSG_NOSIGNAL) != (ssize_t) probe_len) {
        return -1;
    }

    n = recv(fd, buf, sizeof(buf) - 1, 0);

    if (n <= 0 || probe_answer(buf, n, &left) != 0) {
        return -1;
    }

    while (left > 0) {
        n = recv(fd, buf, sizeof(buf) - 1, 0);

        if (n <= 0) {
            return -1;
        }

        left -= n;
    }

    return 0;
}


/* nginx sends the whole header at once */

static int
probe_answer(char *buf, ssize_t n, long *left)
{
    char  *body, *length;

    buf[n] = '\0';

    body = strstr(buf, "\r\n\r\n");
    length = strcasestr(buf, "\r\nContent-Length: ");

    if (strncmp(buf, "HTTP/1.1 200 ", 13) != 0 || body == NULL
        || length == NULL || length > body)
    {
        return -1;
    }

    *left = atol(length + sizeof("\r\nContent-Length: ") - 1)
            - (n - (body + 4 - buf));

    return 0;
}


static double
probe_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}


static int
probe_time(int fd, double seconds)
{
    double              start, from, to;
    size_t              i, n, over;
    struct sched_param  param;

    probe_times = calloc(PROBE_TIMES, sizeof(float));
    if (probe_times == NULL) {
        return 1;
    }

    memset(&param, 0, sizeof(struct sched_param));
    param.sched_priority = 10;

    if (sched_setscheduler(0, SCHED_FIFO, &param) != 0
        || mlockall(MCL_CURRENT) != 0)
    {
        fputs("probe: no real time priority, the times are too long\n",
              stderr);
    }

    start = probe_now();
    from = start;

    for (n = 0; n < PROBE_TIMES && from < start + seconds; n++) {

        if (probe_request(fd) != 0) {
            fprintf(stderr, "probe: no 200 to request %zu\n", n + 1);
            return 1;
        }

        to = probe_now();
        probe_times[n] = (float) ((to - from) * 1e3);
        from = to;
    }

    if (n == 0) {
        return 1;
    }

    for (over = 0, i = 0; i < n; i++) {
        over += (probe_times[i] > PROBE_STALL);
    }

    qsort(probe_times, n, sizeof(float), probe_order);

    printf("{\"requests\":%zu,\"median\":%.4f,\"p99\":%.4f,\"p999\":%.4f,"
           "\"max\":%.4f,\"over\":%zu}\n", n, (double) probe_times[n / 2],
           (double) probe_times[n - 1 - n / 100],
           (double) probe_times[n - 1 - n / 1000],
           (double) probe_times[n - 1], over);

    return 0;
}


static int
probe_order(const void *one, const void *two)
{
    float  f1, f2;

    f1 = *(const float *) one;
    f2 = *(const float *) two;

    return (f1 > f2) - (f1 < f2);
}
