# Copyright (C) the ngx_http_schema1_module authors

# What the module's subrequests carry, and what happens when they end.

use Schema1;
use Schema1::Client;
use Schema1::Refused;

plan tests => repeat_each() * 140;

my $storage = "http://127.0.0.1:$ENV{TEST_NGINX_STORAGE_PORT}";

our $v1 = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
our $missing = join ', ', type_of('docker', 'manifest'),
    type_of('docker', 'list'), type_of('oci', 'manifest'),
    type_of('oci', 'list');
our $all = "$missing, $v1, application/vnd.docker.distribution.manifest"
           . '.v1+json';

our $app = image('team/app:1');
our $config = $app->{config_digest};
our $child = image('team/list');
list('team/list:1', strict => 0, entries => [$child]);
image("$_:1") for 'away/app', 'moved/app', 'other/app';
answer(qr{^GET /v2/away/app/blobs/}, status => 307, headers => [
    Location => "$storage/config"]);
answer('storage:GET /config', body => $app->{config}, status => 200,
       headers => []);
answer("GET /v2/moved/app/blobs/$config", status => 307, headers => [
    Location => '/v2/moved/app/blobs/here?']);
answer('GET /v2/moved/app/blobs/here', body => $app->{config}, status => 200);

image('accel/app:1');
answer(qr{^GET /v2/accel/app/blobs/}, status => 200, body => '', headers => [
    'X-Accel-Redirect' => '/secret/config']);
answer('GET /secret/config', body => $app->{config}, status => 200,
       headers => []);

for (['e500', status => 500], ['e504', status => 504], ['e404', status => 404],
     ['late', delay => 5],
     ['flood', body => 'x' x 5000, length => 5_000_000, hang => 5])
{
    my ($name, @how) = @$_;

    image("fetch/$name:1");
    answer(qr{^GET /v2/fetch/$name/blobs/}, @how);
    image("hop/$name:1");
    answer(qr{^GET /v2/hop/$name/blobs/}, status => 307, headers => [
        Location => "$storage/$name"]);
    answer("storage:GET /$name", body => 'x', @how);
}

list('fetch/child:1', entries => [$app]);
list('denied/child:1', entries => [$app]);
answer(qr{^GET /v2/denied/child/manifests/sha256:}, status => 403,
       body => 'no');

our $redirect = '
    location = /blob-redirect {
        internal;
        proxy_pass $schema1_redirect_url;
        proxy_read_timeout 2s;
    }
';

our $lines = '
    set $seen "$http_accept$http_accept_encoding$http_range$http_if_range
               $http_if_none_match$http_if_modified_since";
    proxy_set_header X-Accept $http_accept;
    proxy_set_header X-Encoding $http_accept_encoding;
    proxy_set_header X-Range $http_range;
    proxy_set_header X-If-Range $http_if_range;
    proxy_set_header X-Tag $http_if_none_match;
    proxy_set_header X-Since $http_if_modified_since;
    add_header X-Accept "[$http_accept]";
    add_header X-Encoding "[$http_accept_encoding]";
    add_header X-Range "[$http_range]";
    add_header X-If-Range "[$http_if_range]";
    add_header X-Tag "[$http_if_none_match]";
    add_header X-Since "[$http_if_modified_since]";
';

# the six lines that the module replaces, and what shows them
our @client = ('Accept: text/html', 'Accept-Encoding: gzip',
               'Range: bytes=0-1', 'If-Range: "r"', 'If-None-Match: "n"',
               'If-Modified-Since: yesterday');
our $client = CORE::join "\n", @client;
our @shown = qw(Accept Encoding Range If-Range Tag Since);
our $client_shown = CORE::join "\n", map {
    "X-$shown[$_]: [" . $client[$_] =~ s/^\S+ //r . ']' } 0 .. 5;
our $none_shown = CORE::join "\n", map { "X-$_: []" } @shown;
our $none_sent = CORE::join '', map { "    !X-$_\n" } @shown[1 .. 5];

# the message of an error
sub message
{
    my ($name) = @_;

    my $answer = ask("/v2/$name/manifests/1");

    return eval { JSON::PP::decode_json($answer->{body})->{errors}[0]{message} }
           // $answer->{raw};
}

run_tests();

__DATA__

=== TEST 1: each subrequest names the types that it accepts
--- request
HEAD /v2/team/list/manifests/1
--- asked eval
"HEAD /v2/team/list/manifests/1
    Accept: $::missing
GET /v2/team/list/manifests/1
    Accept: $::all
GET /v2/team/list/manifests/$::child->{digest}
    Accept: $::all
GET /v2/team/list/blobs/$::config
    Accept: */*"



=== TEST 2: $request_uri of a location with a space is escaped
--- location
    schema_conversion_redirect "/blob redirect";
--- server
    location = "/blob redirect" {
        internal;
        proxy_set_header X-URI $request_uri;
        proxy_pass $schema1_redirect_url;
    }
--- request
GET /v2/away/app/manifests/1?a=b
--- schema1
away/app:1 2 layers
--- asked eval
"GET /v2/away/app/manifests/1?a=b
GET /v2/away/app/blobs/$::config?a=b
storage GET /config
    X-URI: /blob%20redirect"



=== TEST 3: the client's host and User-Agent are known for an external host
--- location
    schema_conversion_redirect /blob-redirect;
--- server
    location = /blob-redirect {
        internal;
        proxy_set_header X-Host $host;
        proxy_set_header X-Agent $http_user_agent;
        proxy_pass $schema1_redirect_url;
    }
--- more_headers
Host: registry.test
User-Agent: old/1.0
User: secret
X-Registry: secret
--- request
GET /v2/away/app/manifests/1
--- schema1
away/app:1 2 layers
--- asked eval
"GET /v2/away/app/manifests/1
GET /v2/away/app/blobs/$::config
    User: secret
    X-Registry: secret
storage GET /config
    X-Host: registry.test
    X-Agent: old/1.0
    User-Agent: old/1.0
    !User
    !X-Registry"



=== TEST 4: variables of the client's request are kept after an external host
--- location
    schema_conversion_redirect /blob-redirect;
    set $kept yes;
    add_header X-Kept "$kept";
--- server eval: $::redirect
--- request
GET /v2/away/app/manifests/1
--- schema1
away/app:1 2 layers
--- response_headers
X-Kept: yes
--- no_error_log
using uninitialized



=== TEST 5: a variable of a line that the client lacks is evaluated again
--- http_config
    map $http_accept $os {
        default  linux;
    }
--- location
    schema_conversion_platform $os/amd64;
    proxy_set_header X-Accept $http_accept;
--- request
GET /v2/team/list/manifests/1
--- schema1
team/list:1 2 layers
--- asked eval
"GET /v2/team/list/manifests/1
    X-Accept: $::missing
GET /v2/team/list/manifests/$::child->{digest}
    X-Accept: $::all
GET /v2/team/list/blobs/$::config
    X-Accept: */*"



=== TEST 6: variables show what is sent, then what the client sent
--- location eval: $::lines
--- request eval
[("GET /v2/team/app/manifests/1") x 2]
--- more_headers eval
[$::client, '']
--- schema1 eval
[("team/app:1 2 layers") x 2]
--- response_headers eval
[$::client_shown, $::none_shown]
--- asked eval
CORE::join '', map {
"GET /v2/team/app/manifests/1
    X-Accept: $_$::missing
" . $::none_sent . "GET /v2/team/app/blobs/$::config
    X-Accept: */*
$::none_sent" } 'text/html, ', ''



=== TEST 7: variables show what the client sent with proxy_cache
--- http_config
    proxy_cache_path logs/cache keys_zone=one:1m;
--- location eval
"$::lines
    proxy_cache one;
    proxy_cache_key \$uri;
    proxy_no_cache 1;"
--- request eval
[("GET /v2/team/app/manifests/1") x 2]
--- more_headers eval
[$::client, '']
--- schema1 eval
[("team/app:1 2 layers") x 2]
--- response_headers eval
[$::client_shown, $::none_shown]



=== TEST 8: a subrequest has no body
--- location
    proxy_set_header X-Length $content_length;
    proxy_set_header X-Body $request_body;
--- request
GET /v2/team/app/manifests/1
hello
--- schema1
team/app:1 2 layers
--- asked eval
"GET /v2/team/app/manifests/1
    Content-Length: 5
    X-Length: 5
    X-Body: hello
GET /v2/team/app/blobs/$::config
    !Content-Length
    !X-Length
    !X-Body"



=== TEST 9: a subrequest has no If-Match
--- request
GET /v2/team/app/manifests/1
--- more_headers
If-Match: *
--- schema1
team/app:1 2 layers
--- asked eval
"GET /v2/team/app/manifests/1
    If-Match: *
GET /v2/team/app/blobs/$::config
    !If-Match"



=== TEST 10: requests without a line and with one are converted
--- request
GET /v2/
--- after
like(ask('', '' => { raw => "GET /v2/team/app/manifests/1 HTTP/1.0\r\n$_\r\n"
                   })->{raw}, qr/"schemaVersion": 1/, "\"$_\"")
    for '', "X-First: 1\r\n", "User-Agent: old\r\n";
--- asked eval
"GET /v2/
GET /v2/team/app/manifests/1
    Accept: $::missing
GET /v2/team/app/blobs/$::config
    Accept: */*
GET /v2/team/app/manifests/1
    X-First: 1
    Accept: $::missing
GET /v2/team/app/blobs/$::config
    X-First: 1
    Accept: */*
GET /v2/team/app/manifests/1
    User-Agent: old
    Accept: $::missing
GET /v2/team/app/blobs/$::config
    User-Agent: old
    Accept: */*"



=== TEST 11: a query of a redirect is sent as it is without the client's
--- request eval
['GET /v2/moved/app/manifests/1', 'GET /v2/moved/app/manifests/1?a=b']
--- schema1 eval
[('moved/app:1 2 layers') x 2]
--- asked eval
"GET /v2/moved/app/manifests/1
GET /v2/moved/app/blobs/$::config
GET /v2/moved/app/blobs/here
GET /v2/moved/app/manifests/1?a=b
GET /v2/moved/app/blobs/$::config?a=b
GET /v2/moved/app/blobs/here?a=b"



=== TEST 12: X-Accel-Redirect of the registry is followed
--- server
    location /secret/ {
        internal;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request
GET /v2/accel/app/manifests/1
--- schema1
accel/app:1 2 layers



=== TEST 13: a location that closes the connection of a subrequest is 502
--- server
    location /v2/team/app/blobs/ {
        return 444;
    }
    location /v2/other/app/blobs/ {
        return 408;
    }
--- request eval
['GET /v2/team/app/manifests/1', 'GET /v2/other/app/manifests/1']
--- refused eval
['502 UNKNOWN upstream_failed team/app:1',
 '502 UNKNOWN upstream_failed other/app:1']



=== TEST 14: a 504 of the registry or of a location is no timeout
--- server
    location /v2/other/app/blobs/ {
        return 504 "late";
    }
--- request eval
['GET /v2/fetch/e504/manifests/1', 'GET /v2/other/app/manifests/1']
--- refused eval
['502 UNKNOWN upstream_failed fetch/e504:1',
 '502 UNKNOWN upstream_failed other/app:1']



=== TEST 15: a config over the size limit is not read to its end
--- location
    schema_conversion_max_size 4k;
--- request
GET /v2/fetch/flood/manifests/1
--- refused
502 SIZE_INVALID too_large fetch/flood:1
--- timeout: 3



=== TEST 16: errors name the document and where it was requested
--- location
    schema_conversion_redirect /blob-redirect;
    proxy_read_timeout 2s;
--- server eval: $::redirect
--- request
GET /v2/
--- after
my $blob = "config blob $::config";
my $child = "child manifest $::app->{digest}";
my $storage = 'the storage it redirects to';

is(message('fetch/e500'), "the request for the $blob failed: status 500 from "
   . "the registry; try again later", 'a status of the registry');
is(message('hop/e500'), "the request for the $blob failed: status 500 from "
   . "$storage; try again later", 'a status of the storage');
is(message('fetch/late'), "the registry did not answer the request for the "
   . "$blob in time; try again later", 'a timeout of the registry');
is(message('hop/late'), "$storage did not answer the request for the $blob "
   . "in time; try again later", 'a timeout of the storage');
is(message('fetch/e404'), "the image cannot be converted: its $blob is not in "
   . "the registry; push the image again", 'a 404 of the registry');
is(message('hop/e404'), "the image cannot be converted: its $blob is not in "
   . "$storage; push the image again", 'a 404 of the storage');
is(message('fetch/child'), "the image cannot be converted: its $child is not "
   . "in the registry; push the image again", 'a child');
--- no_error_log
[alert]



=== TEST 17: the log names the document that the registry denied
--- request
GET /v2/denied/child/manifests/1
--- error_code: 403
--- response_body chomp
no
--- error_log eval
"the registry answered 403 to the request for the child manifest "
. $::app->{digest}



=== TEST 18: the debug log has each subrequest
--- requires: 8: debug
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request
GET /v2/away/app/manifests/1
--- schema1
away/app:1 2 layers
--- error_log eval
("schema1 fetch config blob $::config: \"/v2/away/app/blobs/$::config\", hop 0",
 "schema1 fetch status: 307, \"/v2/away/app/blobs/$::config\"",
 "schema1 fetch done: 0, \"/v2/away/app/blobs/$::config\"",
 "schema1 fetch config blob $::config: \"/blob-redirect\", hop 1",
 "schema1 fetch status: 200, \"/blob-redirect\"",
 "schema1 fetch done: 0, \"/blob-redirect\"")



=== TEST 19: a config whose length is over the size limit is not waited for
--- request
GET /v2/fetch/flood/manifests/1
--- refused
502 SIZE_INVALID too_large fetch/flood:1
--- timeout: 3



=== TEST 20: with proxy_cache no variable is evaluated that was not set
--- http_config
    proxy_cache_path logs/cache keys_zone=one:1m;
--- config
    # the first variable of the configuration
    location = /never {
        set $never yes;
        return 200;
    }
    location /v2/ {
        schema_conversion on;
        proxy_cache one;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers
--- no_error_log
using uninitialized
