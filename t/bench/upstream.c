
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


/*
 * The upstream of the benchmarks: sends responses from memory over connections
 * that stay open, and uses so little time that nginx is what is measured.
 *
 *   upstream PORT ROUTES
 *
 * ROUTES has a line for each response: a path, a tab, and the file that
 * contains the response, header and body.
 */


#define _GNU_SOURCE

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>


#define UPSTREAM_ROUTES       128
#define UPSTREAM_CONNECTIONS  1024
#define UPSTREAM_REQUEST      4096


typedef struct {
    char    *path;
    char    *response;
    size_t   len;
} upstream_route_t;


typedef struct {
    size_t   len;
    char     request[UPSTREAM_REQUEST + 1];
} upstream_connection_t;


static void upstream_load(const char *file);
static int upstream_listen(int port);
static int upstream_accept(int listening);
static int upstream_read(int fd);
static int upstream_respond(int fd, char *path);
static void upstream_check(int ok, const char *what);


static size_t                 upstream_n;
static upstream_route_t       upstream_routes[UPSTREAM_ROUTES];
static upstream_connection_t  upstream_connections[UPSTREAM_CONNECTIONS];


int
main(int argc, char **argv)
{
    int                  ep, listening, fd, i, n;
    struct epoll_event   events[64], ev;

    if (argc != 3) {
        fputs("usage: upstream PORT ROUTES\n", stderr);
        return 2;
    }

    upstream_load(argv[2]);

    listening = upstream_listen(atoi(argv[1]));
    ep = epoll_create1(0);

    ev.events = EPOLLIN;
    ev.data.fd = listening;

    upstream_check(epoll_ctl(ep, EPOLL_CTL_ADD, listening, &ev) == 0, "epoll");

    for ( ;; ) {
        n = epoll_wait(ep, events, 64, -1);

        for (i = 0; i < n; i++) {
            fd = events[i].data.fd;

            if (fd == listening) {
                ev.data.fd = upstream_accept(listening);

                upstream_check(epoll_ctl(ep, EPOLL_CTL_ADD, ev.data.fd, &ev)
                               == 0, "epoll");

            } else if (upstream_read(fd) != 0) {
                close(fd);
            }
        }
    }
}


static void
upstream_load(const char *file)
{
    char              *name, line[4096];
    FILE              *routes, *in;
    struct stat        st;
    upstream_route_t  *route;

    routes = fopen(file, "r");
    upstream_check(routes != NULL, file);

    while (fgets(line, sizeof(line), routes)) {
        line[strcspn(line, "\n")] = '\0';

        upstream_check(upstream_n < UPSTREAM_ROUTES, "too many routes");

        route = &upstream_routes[upstream_n++];
        name = line;
        route->path = strdup(strsep(&name, "\t"));

        in = name ? fopen(name, "rb") : NULL;

        upstream_check(in && fstat(fileno(in), &st) == 0, line);

        route->len = (size_t) st.st_size;
        route->response = malloc(route->len);

        upstream_check(route->path && route->response
                       && fread(route->response, 1, route->len, in)
                          == route->len, name);
        fclose(in);
    }

    fclose(routes);
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

    fd = socket(AF_INET, SOCK_STREAM, 0);

    upstream_check(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(int))
                   == 0
                   && bind(fd, (struct sockaddr *) &sin, sizeof(sin)) == 0
                   && listen(fd, 511) == 0, "listen()");

    return fd;
}


static int
upstream_accept(int listening)
{
    int  fd, on;

    on = 1;
    fd = accept(listening, NULL, NULL);

    upstream_check(fd >= 0 && fd < UPSTREAM_CONNECTIONS, "accept()");

    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(int));

    upstream_connections[fd].len = 0;

    return fd;
}


/* nginx sends no second request before the response to the first is complete */

static int
upstream_read(int fd)
{
    ssize_t                 n;
    upstream_connection_t  *c;

    c = &upstream_connections[fd];

    n = recv(fd, c->request + c->len, UPSTREAM_REQUEST - c->len, 0);
    if (n <= 0) {
        return -1;
    }

    c->len += (size_t) n;
    c->request[c->len] = '\0';

    if (c->len < 4 || strcmp(c->request + c->len - 4, "\r\n\r\n") != 0) {
        return 0;
    }

    c->len = 0;

    if (strncmp(c->request, "GET ", 4) != 0) {
        return -1;
    }

    return upstream_respond(fd, c->request + 4);
}


/* blocks until nginx has read the response, which never waits for this one */

static int
upstream_respond(int fd, char *path)
{
    size_t             i, sent;
    ssize_t            n;
    upstream_route_t  *route;

    path[strcspn(path, " ?")] = '\0';

    for (i = 0; i < upstream_n; i++) {
        route = &upstream_routes[i];

        if (strcmp(route->path, path) != 0) {
            continue;
        }

        for (sent = 0; sent < route->len; sent += (size_t) n) {
            n = send(fd, route->response + sent, route->len - sent,
                     MSG_NOSIGNAL);
            if (n < 0) {
                return -1;
            }
        }

        return 0;
    }

    fprintf(stderr, "upstream: no route \"%s\"\n", path);

    return -1;
}


static void
upstream_check(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "upstream: %s: %m\n", what);
        exit(1);
    }
}
