
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/*
 * The upstream of the benchmarks: answers GET from memory over connections
 * that stay open, with the header lines of registry 2.8, and costs next to
 * nothing, so that nginx is what is measured.
 *
 *   upstream PORT ROUTES
 *
 * ROUTES has a line for each answer: path, type, digest and file, with tabs
 * between.  What follows a "?" is no part of the path.
 */


#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>


#define UPSTREAM_ROUTES       128
#define UPSTREAM_CONNECTIONS  1024
#define UPSTREAM_EVENTS       64
#define UPSTREAM_REQUEST      4096


typedef struct {
    char                     *path;
    char                     *answer;       /* header and body */
    size_t                    len;
} upstream_route_t;


typedef struct {
    const upstream_route_t   *route;        /* being answered */
    size_t                    sent;
    size_t                    len;
    char                      request[UPSTREAM_REQUEST + 1];
} upstream_connection_t;


static void upstream_load(const char *file);
static void upstream_add(char *line);
static char *upstream_file(const char *name, size_t *len);
static int upstream_listen(int port);
static void upstream_accept(int ep, int listening);
static int upstream_read(upstream_connection_t *c, int fd);
static int upstream_begin(upstream_connection_t *c);
static int upstream_write(upstream_connection_t *c, int fd);
static void upstream_close(int fd);
static void upstream_die(const char *what);


static size_t                  upstream_n;
static upstream_route_t        upstream_routes[UPSTREAM_ROUTES];
static upstream_connection_t  *upstream_connections[UPSTREAM_CONNECTIONS];


int
main(int argc, char **argv)
{
    int                  ep, listening, fd, i, n;
    struct epoll_event   events[UPSTREAM_EVENTS], ev;

    if (argc != 3) {
        fputs("usage: upstream PORT ROUTES\n", stderr);
        return 2;
    }

    upstream_load(argv[2]);

    listening = upstream_listen(atoi(argv[1]));

    ep = epoll_create1(0);
    if (ep < 0) {
        upstream_die("epoll_create1()");
    }

    ev.events = EPOLLIN;
    ev.data.fd = listening;

    if (epoll_ctl(ep, EPOLL_CTL_ADD, listening, &ev) != 0) {
        upstream_die("epoll_ctl()");
    }

    for ( ;; ) {
        n = epoll_wait(ep, events, UPSTREAM_EVENTS, -1);

        for (i = 0; i < n; i++) {
            fd = events[i].data.fd;

            if (fd == listening) {
                upstream_accept(ep, listening);
                continue;
            }

            if (upstream_read(upstream_connections[fd], fd) != 0) {
                upstream_close(fd);
            }
        }
    }
}


static void
upstream_load(const char *file)
{
    char  line[4096];
    FILE *in;

    in = fopen(file, "r");
    if (in == NULL) {
        upstream_die(file);
    }

    while (fgets(line, sizeof(line), in)) {
        line[strcspn(line, "\n")] = '\0';
        upstream_add(line);
    }

    fclose(in);
}


static void
upstream_add(char *line)
{
    int                len;
    char              *field[4], *body, *rest;
    size_t             i, size;
    upstream_route_t  *route;

    for (i = 0, rest = line; i < 4; i++) {
        field[i] = strsep(&rest, "\t");
    }

    if (field[3] == NULL || upstream_n == UPSTREAM_ROUTES) {
        fputs("upstream: too many routes, or a broken one\n", stderr);
        exit(1);
    }

    body = upstream_file(field[3], &size);

    route = &upstream_routes[upstream_n++];
    route->path = strdup(field[0]);

    len = asprintf(&route->answer,
                   "HTTP/1.1 200 OK\r\n"
                   "Content-Type: %s\r\n"
                   "Content-Length: %zu\r\n"
                   "Docker-Content-Digest: %s\r\n"
                   "Docker-Distribution-Api-Version: registry/2.0\r\n"
                   "Etag: \"%s\"\r\n"
                   "X-Content-Type-Options: nosniff\r\n"
                   "Date: Wed, 01 May 2024 10:00:00 GMT\r\n"
                   "\r\n", field[1], size, field[2], field[2]);

    if (len < 0 || route->path == NULL) {
        upstream_die("asprintf()");
    }

    route->len = (size_t) len + size;
    route->answer = realloc(route->answer, route->len);

    if (route->answer == NULL) {
        upstream_die("realloc()");
    }

    memcpy(route->answer + len, body, size);
    free(body);
}


static char *
upstream_file(const char *name, size_t *len)
{
    char *data;
    FILE *in;
    long  size;

    in = fopen(name, "rb");

    if (in == NULL || fseek(in, 0, SEEK_END) != 0) {
        upstream_die(name);
    }

    size = ftell(in);
    rewind(in);

    data = malloc((size_t) size + 1);

    if (data == NULL || fread(data, 1, (size_t) size, in) != (size_t) size) {
        upstream_die(name);
    }

    fclose(in);

    *len = (size_t) size;

    return data;
}


static int
upstream_listen(int port)
{
    int                 fd, on;
    struct sockaddr_in  sin;

    on = 1;
    memset(&sin, 0, sizeof(struct sockaddr_in));

    sin.sin_family = AF_INET;
    sin.sin_port = htons((unsigned short) port);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    if (fd < 0
        || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(int)) != 0
        || bind(fd, (struct sockaddr *) &sin, sizeof(sin)) != 0
        || listen(fd, 511) != 0)
    {
        upstream_die("listen()");
    }

    return fd;
}


static void
upstream_accept(int ep, int listening)
{
    int                 fd, on;
    struct epoll_event  ev;

    fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK);

    if (fd < 0) {
        return;
    }

    if (fd >= UPSTREAM_CONNECTIONS) {
        close(fd);
        return;
    }

    on = 1;
    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(int));

    upstream_connections[fd] = calloc(1, sizeof(upstream_connection_t));

    ev.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    ev.data.fd = fd;

    if (upstream_connections[fd] == NULL
        || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) != 0)
    {
        upstream_die("epoll_ctl()");
    }
}


/* 0: wait for the next event; anything else: close */

static int
upstream_read(upstream_connection_t *c, int fd)
{
    ssize_t  n;

    for ( ;; ) {

        if (c->route && upstream_write(c, fd) != 0) {
            return errno != EAGAIN;
        }

        n = recv(fd, c->request + c->len, UPSTREAM_REQUEST - c->len, 0);

        if (n <= 0) {
            return n == 0 || errno != EAGAIN;
        }

        c->len += (size_t) n;
        c->request[c->len] = '\0';

        if (upstream_begin(c) != 0) {
            return 1;
        }

        if (c->route == NULL && c->len == UPSTREAM_REQUEST) {
            return 1;
        }
    }
}


/* nginx sends no second request before the first was answered */

static int
upstream_begin(upstream_connection_t *c)
{
    size_t  i, len;

    if (c->len < 4 || memcmp(c->request + c->len - 4, "\r\n\r\n", 4) != 0) {
        return 0;
    }

    if (memcmp(c->request, "GET ", 4) != 0) {
        return 1;
    }

    len = strcspn(c->request + 4, " ?");
    c->request[4 + len] = '\0';

    for (i = 0; i < upstream_n; i++) {
        if (strcmp(upstream_routes[i].path, c->request + 4) == 0) {
            c->route = &upstream_routes[i];
            c->sent = 0;
            c->len = 0;

            return 0;
        }
    }

    fprintf(stderr, "upstream: nothing for \"%s\"\n", c->request + 4);

    return 1;
}


static int
upstream_write(upstream_connection_t *c, int fd)
{
    ssize_t  n;

    while (c->sent < c->route->len) {
        n = send(fd, c->route->answer + c->sent, c->route->len - c->sent,
                 MSG_NOSIGNAL);

        if (n < 0) {
            return 1;
        }

        c->sent += (size_t) n;
    }

    c->route = NULL;

    return 0;
}


static void
upstream_close(int fd)
{
    close(fd);
    free(upstream_connections[fd]);
    upstream_connections[fd] = NULL;
}


static void
upstream_die(const char *what)
{
    fprintf(stderr, "upstream: %s: %s\n", what, strerror(errno));
    exit(1);
}
