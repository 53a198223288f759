# Copyright (C) the ngx_http_schema1_module authors

# The method of subrequests, also in $request_method, from which FastCGI, SCGI
# and uwsgi have it: GET after a HEAD too.

use Schema1;
use Schema1::Client;
use Schema1::Gateway;

# a second turn would find what the first has cached
repeat_each(1);

plan tests => repeat_each() * 111;

our $v2 = type_of('docker', 'manifest');
our $signed = 'application/vnd.docker.distribution.manifest.v1+prettyjws';

our $gateway = Schema1::Gateway->new($ENV{TEST_NGINX_MOCK_PORT});

$ENV{'TEST_NGINX_' . uc($_) . '_PORT'} = $gateway->port($_)
    for @Schema1::Gateway::protocols;

our $app = image('team/app:1');
image('team/oci:1', format => 'oci');
list('team/list:1', strict => 0,
     entries => [image('team/list', format => 'oci')]);

# an image without its config
our $lost = image('team/lost:1');
answer("/v2/team/lost/blobs/$lost->{config_digest}", status => 404);
answer("storage:/v2/team/lost/blobs/$lost->{config_digest}", status => 200,
       body => $lost->{config});

# a location in front of a gateway
sub through
{
    my ($protocol, $more) = @_;

    my $port = $ENV{'TEST_NGINX_' . uc($protocol) . '_PORT'};
    my $params = join '', map { "${protocol}_param $_;\n" } (
        'REQUEST_METHOD $request_method', 'REQUEST_URI $request_uri',
        'QUERY_STRING $query_string', 'CONTENT_TYPE $content_type',
        'CONTENT_LENGTH $content_length', 'SERVER_PROTOCOL $server_protocol');

    return "
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $ENV{TEST_NGINX_KEYS}/ec256.pem;
        ${protocol}_pass 127.0.0.1:$port;
        $params
        @{[$more // '']}
    }
";
}

# what GET receives, and that HEAD receives the same without the body
sub both
{
    my ($name, $status, $type, @accept) = @_;

    my ($get, $head) = map { ask("/v2/team/$name/manifests/1", @accept,
                                 '' => { method => $_ }) } qw(GET HEAD);
    my @names = qw(content-type content-length docker-content-digest etag);

    Test::More::is("$get->{status} $get->{header}{'content-type'}",
                   "$status $type", "$name - GET");
    Test::More::is_deeply([@$head{qw(status body)}, @{$head->{header}}{@names}],
                          [$status, '', @{$get->{header}}{@names}],
                          "$name - HEAD");
    Test::More::is($get->{header}{'content-length'}, length $get->{body},
                   "$name - Content-Length");
}

# each kind of document
sub each_kind
{
    both($_, 200, $::signed) for qw(app oci list);
    both($_, 200, $::v2, Accept => "$::v2, application/json") for qw(oci list);
    both('lost', 400, 'application/json');
}

$gateway->start;

run_tests();

__DATA__

=== TEST 1: GET and HEAD through fastcgi_pass
--- config eval: ::through('fastcgi')
--- request
GET /v2/
--- after
::each_kind();
--- no_error_log
[alert]



=== TEST 2: GET and HEAD through scgi_pass
--- config eval: ::through('scgi')
--- request
GET /v2/
--- after
::each_kind();
--- no_error_log
[alert]



=== TEST 3: GET and HEAD through uwsgi_pass
--- config eval: ::through('uwsgi')
--- request
GET /v2/
--- after
::each_kind();
--- no_error_log
[alert]



=== TEST 4: HEAD through fastcgi_cache with $request_method in the key
--- http_config
    fastcgi_cache_path logs/fastcgi keys_zone=fastcgi:1m;
--- config eval
::through('fastcgi', 'fastcgi_cache fastcgi;
                      fastcgi_cache_key $request_method$request_uri;
                      fastcgi_cache_valid 200 1m;')
--- request eval
["HEAD /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1",
 "HEAD /v2/team/app/manifests/1"]
--- response_body_like eval
['^$', 'schemaVersion', '^$']
--- response_headers eval
[("Content-Type: $::signed") x 3]
--- asked eval
"HEAD /v2/team/app/manifests/1
GET /v2/team/app/manifests/1
GET /v2/team/app/blobs/$::app->{config_digest}"



=== TEST 5: HEAD through proxy_cache with $request_method in the key
--- http_config
    proxy_cache_path logs/proxy keys_zone=proxy:1m;
--- location
    proxy_cache proxy;
    proxy_cache_convert_head off;
    proxy_cache_key $request_method$request_uri;
    proxy_cache_valid 200 1m;
--- request eval
["HEAD /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1",
 "HEAD /v2/team/app/manifests/1"]
--- response_body_like eval
['^$', 'schemaVersion', '^$']
--- response_headers eval
[("Content-Type: $::signed") x 3]



=== TEST 6: map of $request_method in subrequests
--- http_config
    map $request_method $mapped {
        default $request_method;
        HEAD    head;
    }
--- location
    proxy_set_header X-Method "$request_method $mapped";
--- request
HEAD /v2/team/app/manifests/1
--- asked eval
"HEAD /v2/team/app/manifests/1
    X-Method: HEAD head
GET /v2/team/app/manifests/1
    X-Method: GET GET
GET /v2/team/app/blobs/$::app->{config_digest}
    X-Method: GET GET"



=== TEST 7: $request_method of the response and the log is the client's
--- http_config
    log_format method "$request_method $status $schema1_status";
    access_log logs/method.log method;
--- location
    add_header X-Method $request_method;
--- request eval
["HEAD /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1"]
--- response_headers eval
["X-Method: HEAD", "X-Method: GET"]
--- after
select undef, undef, undef, 0.2;
open my $log, '<', "$Schema1::servroot/logs/method.log";
is((<$log>)[-1], ('HEAD', 'GET')[$n] . " 200 CONVERTED\n", 'the log');



=== TEST 8: slices of a subrequest after a HEAD
--- location
    slice 100;
    proxy_set_header Range $slice_range;
    proxy_set_header X-Method $request_method;
--- request
HEAD /v2/team/app/manifests/1
--- response_headers eval
"Content-Type: $::signed"
--- after
is_deeply([map { my ($x) = grep { $_->[0] eq 'X-Method' } @{$_->{headers}};
                 $_->{method} eq $x->[1] ? () : $_ }
           grep { $_->{uri} =~ /team/ } $Schema1::registry->asked], [],
          'the method sent');



=== TEST 9: error_page of a subrequest through scgi_pass after a HEAD
--- config eval
::through('scgi', 'scgi_intercept_errors on;
                   error_page 404 = @other;') . '
    location @other {
        proxy_set_header X-Method $request_method;
        proxy_pass http://127.0.0.1:$TEST_NGINX_STORAGE_PORT;
    }'
--- request
HEAD /v2/team/lost/manifests/1
--- error_code: 200
--- after
my ($last) = grep { $_->{host} eq 'storage' } $Schema1::registry->asked;
is((grep { $_->[0] eq 'X-Method' } @{$last->{headers}})[0][1], 'GET', 'GET');
--- no_error_log
[alert]



=== TEST 10: revalidate=head through fastcgi_pass sends HEAD
--- http_config
    schema_conversion_cache_zone one:1m;
--- config eval
::through('fastcgi', 'schema_conversion_cache one revalidate=head;')
--- request eval
[("GET /v2/team/app/manifests/1") x 2]
--- schema1 eval
[("team/app:1 2 layers") x 2]
--- same: a a
--- asked eval
"GET /v2/team/app/manifests/1
GET /v2/team/app/blobs/$::app->{config_digest}
HEAD /v2/team/app/manifests/1"
