
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/*
 * Sends GET requests over connections that stay open, each when the response to
 * the one before is complete, until a number of requests or of seconds (0: no
 * limit) is reached.
 *
 *   client PORT PATH CONNECTIONS REQUESTS SECONDS [HEADER]...
 *
 * Prints as JSON the number of responses, the seconds, and how many
 * milliseconds a response took: median, 99th percentile, longest, and the
 * number of those above 2 ms ("over").
 */


#define _GNU_SOURCE

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>


#define CLIENT_CONNECTIONS  64
#define CLIENT_TIMES        2000000     /* further ones are not recorded */
#define CLIENT_BUFFER       65536
#define CLIENT_TIMEOUT      30000
#define CLIENT_OVER         2


typedef struct {
    long    left;                       /* of the body; 0: no header yet */
    double  since;
} client_connection_t;


static size_t client_request(char **argv);
static int client_connect(int port);
static void client_send(size_t i);
static int client_read(size_t i);
static long client_length(char *buf, ssize_t n);
static void client_report(double seconds);
static int client_order(const void *one, const void *two);
static double client_now(void);
static void client_check(int ok, const char *what);


static char                 client_text[8192];
static char                 client_buffer[CLIENT_BUFFER];
static float                client_times[CLIENT_TIMES];
static size_t               client_len, client_received;
static struct pollfd        client_fds[CLIENT_CONNECTIONS];
static client_connection_t  client_connections[CLIENT_CONNECTIONS];


int
main(int argc, char **argv)
{
    long    sent, limit;
    size_t  i, n, active;
    double  start, seconds;

    client_check(argc > 5, "usage: client PORT PATH CONNECTIONS REQUESTS "
                           "SECONDS [HEADER]...");

    client_len = client_request(argv);
    n = (size_t) atoi(argv[3]);
    limit = atol(argv[4]);
    seconds = atof(argv[5]);

    client_check(n > 0 && n <= CLIENT_CONNECTIONS, "number of connections");

    for (i = 0; i < n; i++) {
        client_fds[i].fd = client_connect(atoi(argv[1]));
        client_fds[i].events = POLLIN;
    }

    start = client_now();

    for (i = 0; i < n; i++) {
        client_send(i);
    }

    for (sent = (long) n, active = n; active; /* void */) {
        client_check(poll(client_fds, n, CLIENT_TIMEOUT) > 0, "no response");

        for (i = 0; i < n; i++) {

            if (client_fds[i].revents == 0 || !client_read(i)) {
                continue;
            }

            if ((limit && sent >= limit)
                || (seconds > 0 && client_now() >= start + seconds))
            {
                close(client_fds[i].fd);
                client_fds[i].fd = -1;
                active--;
                continue;
            }

            client_send(i);
            sent++;
        }
    }

    client_report(client_now() - start);

    return 0;
}


static size_t
client_request(char **argv)
{
    int  i, n;

    n = snprintf(client_text, sizeof(client_text),
                 "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n", argv[2]);

    for (i = 6; argv[i]; i++) {
        n += snprintf(client_text + n, sizeof(client_text) - (size_t) n,
                      "%s\r\n", argv[i]);
        client_check(n < (int) sizeof(client_text) - 2, "too many headers");
    }

    return (size_t) n + (size_t) sprintf(client_text + n, "\r\n");
}


static int
client_connect(int port)
{
    int                 fd, on;
    struct sockaddr_in  sin;

    on = 1;
    memset(&sin, 0, sizeof(struct sockaddr_in));

    sin.sin_family = AF_INET;
    sin.sin_port = htons((unsigned short) port);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    fd = socket(AF_INET, SOCK_STREAM, 0);

    client_check(connect(fd, (struct sockaddr *) &sin, sizeof(sin)) == 0
                 && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(int))
                    == 0, "connect()");

    return fd;
}


static void
client_send(size_t i)
{
    client_connections[i].since = client_now();

    client_check(send(client_fds[i].fd, client_text, client_len, MSG_NOSIGNAL)
                 == (ssize_t) client_len, "send()");
}


/* true: the response is complete */

static int
client_read(size_t i)
{
    ssize_t               n;
    client_connection_t  *c;

    c = &client_connections[i];

    n = recv(client_fds[i].fd, client_buffer, CLIENT_BUFFER - 1, 0);
    client_check(n > 0, "recv()");

    if (c->left == 0) {
        c->left = client_length(client_buffer, n);
    }

    c->left -= n;

    if (c->left) {
        return 0;
    }

    if (client_received < CLIENT_TIMES) {
        client_times[client_received] =
                             (float) ((client_now() - c->since) * 1e3);
    }

    client_received++;

    return 1;
}


/* of header and body; nginx sends the whole header at once */

static long
client_length(char *buf, ssize_t n)
{
    char  *body, *length;

    buf[n] = '\0';

    body = strstr(buf, "\r\n\r\n");
    length = strcasestr(buf, "\r\nContent-Length: ");

    client_check(strncmp(buf, "HTTP/1.1 200 ", 13) == 0 && body && length
                 && length < body, "no 200 with a Content-Length");

    return body + 4 - buf + atol(length + sizeof("\r\nContent-Length: ") - 1);
}


static void
client_report(double seconds)
{
    size_t  i, n, over;

    n = (client_received < CLIENT_TIMES) ? client_received : CLIENT_TIMES;

    for (over = 0, i = 0; i < n; i++) {
        over += (client_times[i] > CLIENT_OVER);
    }

    qsort(client_times, n, sizeof(float), client_order);

    printf("{\"requests\":%zu,\"seconds\":%.6f,\"median\":%.4f,\"p99\":%.4f,"
           "\"max\":%.4f,\"over\":%zu}\n", client_received, seconds,
           (double) client_times[n / 2], (double) client_times[n - 1 - n / 100],
           (double) client_times[n - 1], over);
}


static int
client_order(const void *one, const void *two)
{
    float  f1, f2;

    f1 = *(const float *) one;
    f2 = *(const float *) two;

    return (f1 > f2) - (f1 < f2);
}


static double
client_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}


static void
client_check(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "client: %s: %m\n", what);
        exit(1);
    }
}
