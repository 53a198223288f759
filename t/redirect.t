# Copyright (C) the ngx_http_schema1_module authors

# Blobs and manifests that the registry keeps somewhere else.

use Schema1;
use Schema1::Client;
use Schema1::Refused;

plan tests => repeat_each() * 545;

my $storage = "http://127.0.0.1:$ENV{TEST_NGINX_STORAGE_PORT}";
my $own = "http://127.0.0.1:$ENV{TEST_NGINX_CLIENT_PORT}";
my $mock = "http://127.0.0.1:$ENV{TEST_NGINX_MOCK_PORT}";

our $app = image('team/app:1');
our $list = list('team/list:1', entries => [$app]);
our $config = $app->{config_digest};

our $redirect = '
    location = /blob-redirect {
        internal;
        proxy_pass $schema1_redirect_url;
    }
';

our $secret = '
    location /secret/ {
        internal;
        return 200 "the secret";
    }

    location /v2/secret/ {
        internal;
        return 200 "the secret";
    }
';

answer('/auth', status => 200, headers => ['X-Token' => 'secret']);
answer('storage:GET /config', body => $app->{config}, status => 200,
       headers => []);
answer('storage:GET /manifest', body => $app->{body}, status => 200,
       type => $app->{type}, headers => []);
answer('storage:GET /v2/team/app/blobs/x', body => $app->{config},
       status => 200);

# a config that is redirected, one image for each way
sub away
{
    my ($name, $location, $status) = @_;

    image("away/$name:1");
    answer(qr{^GET /v2/away/$name/blobs/$config}, status => $status || 307,
           headers => [Location => $location]);
}

away("s$_", "$storage/config", $_) for 301, 302, 303, 307, 308;
away('s300', "$storage/config", 300);
away('s305', "$storage/config", 305);

away('signed', "$storage/config?X-Sig=a%2Fb%3D%3d+c&x=%7E~/?:@!\$'()*,;=&empty");
away('fragment', "$storage/config#part");
away('host', $storage =~ s/^http://r . '/config');
away('upper', ($storage =~ s/^http/HTTP/r) . '/config');
away('nopath', $storage);
away('noquery', "$storage?q=1");
answer('storage:GET /', body => $app->{config}, status => 200);

# the registry's own
for (['absolute', "$own/v2/away/absolute/blobs/moved"],
     ['named', "$mock/v2/away/named/blobs/moved"],
     ['path', '/v2/away/path/blobs/moved'],
     ['relative', 'moved'], ['dots', '../../dots/./blobs/moved'],
     ['slashes', $own =~ s/^http://r . '/v2/away/slashes/blobs/moved'],
     ['https', ($own =~ s/^http/https/r) . '/v2/away/https/blobs/moved'],
     ['upstream', 'http://registry/v2/away/upstream/blobs/moved'],
     ['server', 'http://localhost/v2/away/server/blobs/moved'],
     ['requested', 'http://requested/v2/away/requested/blobs/moved'],
     ['returned', '/v2/away/returned/blobs/other'],
     ['manifest', '/v2/away/manifest/manifests/moved'],
     ['query', '/v2/away/query/blobs/moved?sig=a%2Fb'])
{
    my ($name, $location) = @$_;

    away($name, $location);
    answer("GET /v2/away/$name/$_/moved", body => $app->{config},
           status => 200) for qw(blobs manifests);
}

# no way into the user's other locations
for (['secret', '/secret/x'], ['climb', '../../../../secret/x'],
     ['other', '/v2/team/app/blobs/x'], ['v2', '/v2/secret/blobs/x'],
     ['root', '/'], ['tags', '/v2/away/tags/tags/list'],
     ['encoded', '/v2/away/encoded/blobs/%2e%2e/%2e%2e/%2e%2e/secret/x'],
     ['slash', '/v2/away/slash/blobs/..%2f..%2f..%2f..%2fsecret%2fx'],
     ['longer', '/v2/away/longer/blobs/x/blobs/y'],
     ['ownsecret', "$own/secret/x"], ['bare', '/v2/away/bare/blobs/'],
     ['prefix', '/v2/away/prefixed/blobs/x'],
     ['again', '/blob-redirect'])
{
    away(@$_);
}

# storage that tries to read an internal location
for ('proxied', 'returned') {
    my $to = $_ eq 'proxied' ? '/secret/config' : '/returned/x';

    image("accel/$_:1");
    answer(qr{^GET /v2/accel/$_/blobs/$config}, status => 307,
           headers => [Location => "$storage/accel/$_"]);
    answer("storage:GET /accel/$_", body => $app->{config}, status => 200,
           headers => ['X-Accel-Redirect' => $to]);
}

list('accel/list:1', entries => [image('accel/list')]);
answer("GET /v2/accel/list/manifests/$app->{digest}", status => 307,
       headers => [Location => "$storage/accel/proxied"]);
answer('GET /secret/config', body => $app->{config}, status => 200,
       headers => []);

image('gone/app:1');
answer(qr{^GET /v2/gone/app/blobs/}, status => 404);

# paths of the registry for downloads
for (['google', '/artifacts-downloads/namespaces/x?token=a%2Fb'],
     ['googleurl', "$own/artifacts-downloads/namespaces/x?token=a%2Fb"],
     ['googlename', "$mock/artifacts-downloads/namespaces/x?token=a%2Fb"])
{
    away(@$_);
}

answer('GET /artifacts-downloads/namespaces/x', status => 200,
       body => $app->{config}, headers => []);
list('google/list:1', entries => [image('google/list')]);
answer("GET /v2/google/list/manifests/$app->{digest}", status => 302,
       headers => [Location => '/artifacts-downloads/manifest']);
answer('GET /artifacts-downloads/manifest', status => 200, headers => [],
       body => $app->{body});
away('chain', '/artifacts-downloads/chain');
answer('GET /artifacts-downloads/chain', status => 307, headers => [
    Location => '/artifacts-downloads/namespaces/x?token=a%2Fb']);

# after a foreign hop a path is the storage's
away('after', "$storage/hop");
answer('storage:GET /hop', status => 307, headers => [
    Location => '/v2/away/after/blobs/x']);
answer('storage:GET /v2/away/after/blobs/x', body => $app->{config},
       status => 200);
away('beside', "$storage/dir/hop?a=b");
answer('storage:GET /dir/hop', status => 307, headers => [
    Location => 'beside']);
answer('storage:GET /dir/beside', body => $app->{config}, status => 200);
away('back', "$storage/back");
answer('storage:GET /back', status => 307, headers => [
    Location => "$own/v2/away/back/blobs/x"]);
answer('GET /v2/away/back/blobs/x', body => $app->{config}, status => 200);
away('aftersecret', "$storage/aftersecret");
answer('storage:GET /aftersecret', status => 307, headers => [
    Location => '/secret/x']);
answer('storage:GET /secret/x', body => $app->{config}, status => 200);

# never
away('ftp', 'ftp://127.0.0.1/config');
away('file', 'file:///etc/passwd');
away('unix', 'http://unix:/tmp/socket:/config');
away('user', $storage =~ s{//}{//user:pass\@}r . '/config');
away('atsign', $storage =~ s{//}{//\@}r . '/config');
away('tab', "$storage/con\tfig");
away('space', "$storage/con fig");
away('high', "$storage/con\x80fig");
away('backslash', "$storage/con\\fig");
away('noport', 'http://127.0.0.1:0/config');
away('empty', '');
away('none', undef);
away('nohost', 'http:/config');

# hops
for my $n (1 .. 7) {
    answer("storage:GET /h$n", status => 302, headers => [
        Location => "$storage/h" . ($n - 1)]);
}

answer('storage:GET /h0', body => $app->{config}, status => 200);
away('five', "$storage/h4");
away('six', "$storage/h5");
away('loop', "$storage/loop");
answer('storage:GET /loop', status => 302, headers => [
    Location => "$storage/loop"]);
away('ownloop', 'loop');
answer('GET /v2/away/ownloop/blobs/loop', status => 302, headers => [
    Location => 'loop']);

# manifests
list("child/s$_:1", entries => [$app]) for 301, 302, 303, 307, 308;
answer(qr{^GET /v2/child/s$_/manifests/sha256:}, status => $_, headers => [
    Location => "$storage/manifest"]) for 301, 302, 303, 307, 308;
blob("child/s$_", $app->{config}) for 301, 302, 303, 307, 308;
image('tag/away:1');
answer('GET /v2/tag/away/manifests/1', status => 307, type => 'text/plain',
       body => 'over there', headers => [Location => "$storage/manifest"]);
image('tag/head:1');
answer('HEAD /v2/tag/head/manifests/1', type => $app->{type}, headers => []);
answer('GET /v2/tag/head/manifests/1', status => 307, headers => [
    Location => "$storage/manifest"]);

# wrong bytes
away('wrong', "$storage/wrong");
answer('storage:GET /wrong', body => '{}', status => 200);
away('denied', "$storage/denied");
answer('storage:GET /denied', status => 403, body => 'no', headers => [
    'X-Secret' => 'of the storage']);

# through TLS
away('plain', "$storage/config");

# redirects of a config: the image, the title, and why it is refused
for (
    ['s302', '302 is followed'],
    ['s303', '303 is followed'],
    ['s307', '307 is followed'],
    ['s308', '308 is followed'],
    ['fragment', 'a fragment is dropped'],
    ['upper', 'a scheme in upper case is followed'],
    ['s300', '300 is not followed', '502 UNKNOWN upstream_failed'],
    ['s305', '305 is not followed', '502 UNKNOWN upstream_failed'],
    ['unix', 'a path of a socket is refused', '502 UNKNOWN redirected'],
    ['wrong', "storage's bytes are verified", '502 UNKNOWN digest_mismatch'],
)
{
    my ($name, $title, $why) = @$_;

    my $expected = $why ? "--- refused\n$why away/$name:1"
                        : "--- schema1\naway/$name:1 2 layers";

    rows(<<'END', [$title, $redirect, $name, $expected]);
=== %s
--- location
    schema_conversion_redirect /blob-redirect;
--- server
%s
--- request
GET /v2/away/%s/manifests/1
%s
END
}

run_tests();

__DATA__

=== TEST 1: 301 is followed
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request
GET /v2/away/s301/manifests/1
--- schema1
away/s301:1 2 layers
--- asked eval
"GET /v2/away/s301/manifests/1
GET /v2/away/s301/blobs/$::config
storage GET /config"



=== TEST 2: HEAD follows a config's redirect
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request
HEAD /v2/away/s307/manifests/1
--- response_headers
Content-Type: application/vnd.docker.distribution.manifest.v1+prettyjws
--- asked eval
"HEAD /v2/away/s307/manifests/1
GET /v2/away/s307/manifests/1
GET /v2/away/s307/blobs/$::config
storage GET /config"



=== TEST 3: a redirect without the directive is refused
--- request
GET /v2/away/s307/manifests/1
--- refused
502 UNKNOWN redirected away/s307:1
--- response_body_like: schema_conversion_redirect
--- asked eval
"GET /v2/away/s307/manifests/1
GET /v2/away/s307/blobs/$::config"



=== TEST 4: a child's 301, 302 and 303 are followed
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request eval
[map { "GET /v2/child/s$_/manifests/1" } 301, 302, 303]
--- schema1 eval
[map { "child/s$_:1 2 layers" } 301, 302, 303]



=== TEST 5: a child's 307 and 308 are followed
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request eval
[map { "GET /v2/child/s$_/manifests/1" } 307, 308]
--- schema1 eval
[map { "child/s$_:1 2 layers" } 307, 308]



=== TEST 6: a child's redirect without the directive is refused
--- request
GET /v2/child/s307/manifests/1
--- refused
502 UNKNOWN redirected child/s307:1
--- response_body_like: schema_conversion_redirect



=== TEST 7: the client's own 307 passes
--- location
    schema_conversion_redirect /blob-redirect;
    proxy_redirect off;
--- server eval: $::redirect
--- request
GET /v2/tag/away/manifests/1
--- error_code: 307
--- response_body chomp
over there
--- response_headers eval
"Location: http://127.0.0.1:$ENV{TEST_NGINX_STORAGE_PORT}/manifest"
--- asked
GET /v2/tag/away/manifests/1



=== TEST 8: the tag's manifest is followed after HEAD
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request
HEAD /v2/tag/head/manifests/1
--- response_headers
Content-Type: application/vnd.docker.distribution.manifest.v1+prettyjws
--- asked eval
"HEAD /v2/tag/head/manifests/1
GET /v2/tag/head/manifests/1
storage GET /manifest
GET /v2/tag/head/blobs/$::config"



=== TEST 9: a signed query is unchanged
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request
GET /v2/away/signed/manifests/1?account=me
--- schema1
away/signed:1 2 layers
--- asked eval
"GET /v2/away/signed/manifests/1?account=me
GET /v2/away/signed/blobs/$::config?account=me
storage GET /config?X-Sig=a%2Fb%3D%3d+c&x=%7E~/?:@!\$'()*,;=&empty"



=== TEST 10: the Host header is the external host's
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request
GET /v2/away/host/manifests/1
--- schema1
away/host:1 2 layers
--- asked eval
"GET /v2/away/host/manifests/1
GET /v2/away/host/blobs/$::config
storage GET /config"



=== TEST 11: a host without a path is followed
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request eval
["GET /v2/away/nopath/manifests/1", "GET /v2/away/noquery/manifests/1"]
--- schema1 eval
["away/nopath:1 2 layers", "away/noquery:1 2 layers"]



=== TEST 12: only User-Agent of the client's lines is sent to an external host
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- more_headers
Authorization: Bearer token
Proxy-Authorization: Basic dTpw
Cookie: session=1
Cookie: other=2
X-JFrog-Art-Api: secret
Private-Token: secret
X-Auth-Token: secret
X-Forwarded-For: 192.0.2.1
Referer: http://elsewhere.test/
User-Agent: old/1.0
--- request
GET /v2/away/s307/manifests/1
--- schema1
away/s307:1 2 layers
--- asked eval
"GET /v2/away/s307/manifests/1
    Authorization: Bearer token
GET /v2/away/s307/blobs/$::config
    Authorization: Bearer token
    Proxy-Authorization: Basic dTpw
    Private-Token: secret
    User-Agent: old/1.0
storage GET /config
    !Authorization
    !Proxy-Authorization
    !Cookie
    !X-JFrog-Art-Api
    !Private-Token
    !X-Auth-Token
    !X-Forwarded-For
    !Referer
    User-Agent: old/1.0"



=== TEST 13: header variables are empty towards an external host
--- location
    schema_conversion_redirect /blob-redirect;
--- server
    location = /blob-redirect {
        internal;
        proxy_pass $schema1_redirect_url;
        proxy_set_header Authorization $http_authorization;
        proxy_set_header Proxy-Authorization $http_proxy_authorization;
        proxy_set_header Cookie $http_cookie;
        proxy_set_header X-Auth-Token $http_x_auth_token;
        proxy_set_header X-For $http_x_forwarded_for;
        proxy_set_header Referer $http_referer;
        proxy_set_header X-Added $proxy_add_x_forwarded_for;
    }
--- more_headers
Authorization: Bearer token
Proxy-Authorization: Basic dTpw
Cookie: session=1
X-Auth-Token: secret
X-Forwarded-For: 192.0.2.1
Referer: http://elsewhere.test/
--- request
GET /v2/away/s307/manifests/1
--- schema1
away/s307:1 2 layers
--- asked eval
"GET /v2/away/s307/manifests/1
    Authorization: Bearer token
GET /v2/away/s307/blobs/$::config
    Authorization: Bearer token
storage GET /config
    !Authorization
    !Proxy-Authorization
    !Cookie
    !X-Auth-Token
    !X-For
    !Referer
    X-Added: 127.0.0.1"



=== TEST 14: a user's name is not sent to an external host
--- location
    set $who "$remote_user";
    schema_conversion_redirect /blob-redirect;
--- server
    location = /blob-redirect {
        internal;
        proxy_pass $schema1_redirect_url;
        proxy_set_header X-User "$remote_user";
        proxy_set_header X-Session "$cookie_session";
    }
--- more_headers
Authorization: Basic dTpw
Cookie: session=1
--- request
GET /v2/away/s307/manifests/1
--- schema1
away/s307:1 2 layers
--- asked eval
"GET /v2/away/s307/manifests/1
GET /v2/away/s307/blobs/$::config
storage GET /config
    !X-User
    !X-Session"



=== TEST 15: an absolute URL of the registry is not external
--- request
GET /v2/away/absolute/manifests/1
--- more_headers eval
"Host: 127.0.0.1:$ENV{TEST_NGINX_CLIENT_PORT}
Authorization: Bearer token"
--- schema1
away/absolute:1 2 layers
--- asked eval
"GET /v2/away/absolute/manifests/1
GET /v2/away/absolute/blobs/$::config
GET /v2/away/absolute/blobs/moved
    Authorization: Bearer token"



=== TEST 16: the upstream's name is not external
--- location
    proxy_redirect off;
--- request
GET /v2/away/named/manifests/1
--- schema1
away/named:1 2 layers
--- asked eval
"GET /v2/away/named/manifests/1
GET /v2/away/named/blobs/$::config
GET /v2/away/named/blobs/moved"



=== TEST 17: a path is not external
--- request
GET /v2/away/path/manifests/1?account=me
--- schema1
away/path:1 2 layers
--- asked eval
"GET /v2/away/path/manifests/1?account=me
GET /v2/away/path/blobs/$::config?account=me
GET /v2/away/path/blobs/moved?account=me"



=== TEST 18: a relative path is not external
--- request
GET /v2/away/relative/manifests/1
--- schema1
away/relative:1 2 layers
--- asked eval
"GET /v2/away/relative/manifests/1
GET /v2/away/relative/blobs/$::config
GET /v2/away/relative/blobs/moved"



=== TEST 19: a path with dots is not external
--- request
GET /v2/away/dots/manifests/1
--- schema1
away/dots:1 2 layers
--- asked eval
"GET /v2/away/dots/manifests/1
GET /v2/away/dots/blobs/$::config
GET /v2/away/dots/blobs/moved"



=== TEST 20: the registry's host after two slashes is not external
--- request
GET /v2/away/slashes/manifests/1
--- more_headers eval
"Host: 127.0.0.1:$ENV{TEST_NGINX_CLIENT_PORT}"
--- schema1
away/slashes:1 2 layers



=== TEST 21: a path of manifests is not external
--- request
GET /v2/away/manifest/manifests/1
--- schema1
away/manifest:1 2 layers



=== TEST 22: a redirect's query precedes the client's
--- request eval
[map { "GET /v2/away/query/manifests/1$_" } '', '?x', '?account=me']
--- schema1 eval
[("away/query:1 2 layers") x 3]
--- asked eval
CORE::join '', map {
    my ($client, $both) = @$_;
"GET /v2/away/query/manifests/1$client
GET /v2/away/query/blobs/$::config$client
GET /v2/away/query/blobs/moved?sig=a%2Fb$both
" } ['', ''], ['?x', '&x'], ['?account=me', '&account=me']



=== TEST 23: a redirect within the registry skips the directive
--- location
    schema_conversion_redirect /blob-redirect;
--- server
    location = /blob-redirect {
        internal;
        return 500;
    }
--- request
GET /v2/away/path/manifests/1
--- schema1
away/path:1 2 layers



=== TEST 24: a redirect cannot enter an internal location
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect . $::secret
--- more_headers
Authorization: Bearer token
--- request
GET /v2/away/secret/manifests/1
--- refused
400 MANIFEST_INVALID config_not_found away/secret:1
--- response_body_unlike: the secret
--- asked eval
"GET /v2/away/secret/manifests/1
GET /v2/away/secret/blobs/$::config
    Authorization: Bearer token
GET /secret/x
    !Authorization"



=== TEST 25: a redirect cannot leave by dots
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect . $::secret
--- request
GET /v2/away/climb/manifests/1
--- refused
400 MANIFEST_INVALID config_not_found away/climb:1
--- asked eval
"GET /v2/away/climb/manifests/1
GET /v2/away/climb/blobs/$::config
GET /secret/x"



=== TEST 26: a redirect cannot leave by encoded dots
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect . $::secret
--- request
GET /v2/away/encoded/manifests/1
--- refused
400 MANIFEST_INVALID config_not_found away/encoded:1
--- asked eval
"GET /v2/away/encoded/manifests/1
GET /v2/away/encoded/blobs/$::config
GET /v2/away/encoded/blobs/%2e%2e/%2e%2e/%2e%2e/secret/x"



=== TEST 27: a redirect cannot leave by encoded slashes
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect . $::secret
--- request
GET /v2/away/slash/manifests/1
--- refused
400 MANIFEST_INVALID config_not_found away/slash:1
--- asked eval
"GET /v2/away/slash/manifests/1
GET /v2/away/slash/blobs/$::config
GET /v2/away/slash/blobs/..%2f..%2f..%2f..%2fsecret%2fx"



=== TEST 28: a redirect cannot enter another repository
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect . $::secret
--- more_headers eval
[('Authorization: Bearer token') x 3]
--- request eval
["GET /v2/away/other/manifests/1", "GET /v2/away/v2/manifests/1",
 "GET /v2/away/prefix/manifests/1"]
--- refused eval
["400 MANIFEST_INVALID config_not_found away/other:1",
 "400 MANIFEST_INVALID config_not_found away/v2:1",
 "400 MANIFEST_INVALID config_not_found away/prefix:1"]
--- asked eval
"GET /v2/away/other/manifests/1
GET /v2/away/other/blobs/$::config
    Authorization: Bearer token
GET /v2/team/app/blobs/x
    !Authorization
GET /v2/away/v2/manifests/1
GET /v2/away/v2/blobs/$::config
    Authorization: Bearer token
GET /v2/secret/blobs/x
    !Authorization
GET /v2/away/prefix/manifests/1
GET /v2/away/prefix/blobs/$::config
    Authorization: Bearer token
GET /v2/away/prefixed/blobs/x
    !Authorization"



=== TEST 29: a redirect cannot enter other paths
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect . $::secret
--- request eval
["GET /v2/away/root/manifests/1", "GET /v2/away/tags/manifests/1",
 "GET /v2/away/longer/manifests/1", "GET /v2/away/bare/manifests/1",
 "GET /v2/away/again/manifests/1"]
--- refused eval
[map { "400 MANIFEST_INVALID config_not_found away/$_:1" }
     qw(root tags longer bare again)]
--- asked eval
CORE::join "", map { "GET /v2/away/$_->[0]/manifests/1
GET /v2/away/$_->[0]/blobs/$::config
GET $_->[1]\n" } ['root', '/'], ['tags', '/v2/away/tags/tags/list'],
    ['longer', '/v2/away/longer/blobs/x/blobs/y'],
    ['bare', '/v2/away/bare/blobs/'], ['again', '/blob-redirect']



=== TEST 30: a redirect cannot leave by an absolute URL
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect . $::secret
--- request
GET /v2/away/ownsecret/manifests/1
--- more_headers eval
"Host: 127.0.0.1:$ENV{TEST_NGINX_CLIENT_PORT}"
--- refused
400 MANIFEST_INVALID config_not_found away/ownsecret:1
--- asked eval
"GET /v2/away/ownsecret/manifests/1
GET /v2/away/ownsecret/blobs/$::config
GET /secret/x"



=== TEST 31: a path after an external hop is external
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- more_headers
Authorization: Bearer token
--- request
GET /v2/away/after/manifests/1
--- schema1
away/after:1 2 layers
--- asked eval
"GET /v2/away/after/manifests/1
GET /v2/away/after/blobs/$::config
storage GET /hop
    !Authorization
storage GET /v2/away/after/blobs/x
    !Authorization"



=== TEST 32: a relative path after an external hop is external
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request
GET /v2/away/beside/manifests/1
--- schema1
away/beside:1 2 layers
--- asked eval
"GET /v2/away/beside/manifests/1
GET /v2/away/beside/blobs/$::config
storage GET /dir/hop?a=b
storage GET /dir/beside"



=== TEST 33: an external host can redirect back
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- more_headers eval
"Host: 127.0.0.1:$ENV{TEST_NGINX_CLIENT_PORT}
Authorization: Bearer token"
--- request
GET /v2/away/back/manifests/1
--- schema1
away/back:1 2 layers
--- asked eval
"GET /v2/away/back/manifests/1
GET /v2/away/back/blobs/$::config
storage GET /back
    !Authorization
GET /v2/away/back/blobs/x
    !Authorization"



=== TEST 34: a path after an external hop is not an internal location
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect . $::secret
--- request
GET /v2/away/aftersecret/manifests/1
--- schema1
away/aftersecret:1 2 layers
--- asked eval
"GET /v2/away/aftersecret/manifests/1
GET /v2/away/aftersecret/blobs/$::config
storage GET /aftersecret
storage GET /secret/x"



=== TEST 35: other schemes than http and https are refused
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request eval
["GET /v2/away/ftp/manifests/1", "GET /v2/away/file/manifests/1"]
--- refused eval
["502 UNKNOWN redirected away/ftp:1", "502 UNKNOWN redirected away/file:1"]



=== TEST 36: a user in a URL is refused
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request eval
["GET /v2/away/user/manifests/1", "GET /v2/away/atsign/manifests/1"]
--- refused eval
["502 UNKNOWN redirected away/user:1", "502 UNKNOWN redirected away/atsign:1"]
--- asked eval
"GET /v2/away/user/manifests/1
GET /v2/away/user/blobs/$::config
GET /v2/away/atsign/manifests/1
GET /v2/away/atsign/blobs/$::config"



=== TEST 37: control characters are refused
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request eval
[map { "GET /v2/away/$_/manifests/1" } qw(tab space high backslash)]
--- refused eval
[map { "502 UNKNOWN redirected away/$_:1" } qw(tab space high backslash)]



=== TEST 38: a malformed host is refused
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request eval
[map { "GET /v2/away/$_/manifests/1" } qw(noport nohost)]
--- refused eval
[map { "502 UNKNOWN redirected away/$_:1" } qw(noport nohost)]



=== TEST 39: a missing Location is refused
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request eval
[map { "GET /v2/away/$_/manifests/1" } qw(empty none)]
--- refused eval
[map { "502 UNKNOWN redirected away/$_:1" } qw(empty none)]



=== TEST 40: five redirects are followed
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request
GET /v2/away/five/manifests/1
--- schema1
away/five:1 2 layers
--- asked eval
"GET /v2/away/five/manifests/1
GET /v2/away/five/blobs/$::config
storage GET /h4
storage GET /h3
storage GET /h2
storage GET /h1
storage GET /h0"



=== TEST 41: six redirects are refused
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request
GET /v2/away/six/manifests/1
--- refused
502 UNKNOWN redirected away/six:1
--- asked eval
"GET /v2/away/six/manifests/1
GET /v2/away/six/blobs/$::config
storage GET /h5
storage GET /h4
storage GET /h3
storage GET /h2
storage GET /h1"



=== TEST 42: a loop of redirects is refused
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request eval
[map { "GET /v2/away/$_/manifests/1" } qw(loop ownloop)]
--- refused eval
[map { "502 UNKNOWN redirected away/$_:1" } qw(loop ownloop)]



=== TEST 43: proxy_redirect can match
--- location
    proxy_redirect http://127.0.0.1:$TEST_NGINX_MOCK_PORT/ http://$http_host/;
--- request
GET /v2/away/named/manifests/1
--- schema1
away/named:1 2 layers
--- asked eval
"GET /v2/away/named/manifests/1
GET /v2/away/named/blobs/$::config
GET /v2/away/named/blobs/moved"



=== TEST 44: proxy_redirect can give a path
--- location
    proxy_redirect http://127.0.0.1:$TEST_NGINX_MOCK_PORT/ /;
--- request
GET /v2/away/named/manifests/1
--- schema1
away/named:1 2 layers



=== TEST 45: proxy_redirect need not match
--- location
    schema_conversion_redirect /blob-redirect;
    proxy_redirect http://example.com/ /;
--- server eval: $::redirect
--- request
GET /v2/away/s307/manifests/1
--- schema1
away/s307:1 2 layers
--- asked eval
"GET /v2/away/s307/manifests/1
GET /v2/away/s307/blobs/$::config
storage GET /config"



=== TEST 46: proxy_redirect can give a longer URL
--- location
    schema_conversion_redirect /blob-redirect;
    proxy_redirect http://127.0.0.1:$TEST_NGINX_STORAGE_PORT/config
                   http://127.0.0.1:$TEST_NGINX_STORAGE_PORT/config?signed=with-a-rather-long-signature-appended;
--- server eval: $::redirect
--- request
GET /v2/away/s307/manifests/1
--- schema1
away/s307:1 2 layers
--- asked eval
"GET /v2/away/s307/manifests/1
GET /v2/away/s307/blobs/$::config
storage GET /config?signed=with-a-rather-long-signature-appended"



=== TEST 47: headers of storage are dropped
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request
GET /v2/away/denied/manifests/1
--- refused
502 UNKNOWN upstream_failed away/denied:1
--- response_headers
Content-Type: application/json
Vary: Accept
Docker-Distribution-Api-Version: registry/2.0
!X-Secret



=== TEST 48: https is never redirected to http
--- http_config
    server {
        listen $TEST_NGINX_RAND_PORT_1 ssl;
        ssl_certificate $TEST_NGINX_KEYS/ec256.crt;
        ssl_certificate_key $TEST_NGINX_KEYS/ec256.pem;
        location / {
            proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
            proxy_redirect off;
        }
    }
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_redirect /blob-redirect;
        proxy_pass https://127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        # nginx frees no session that it keeps, as a leak checker sees
        proxy_ssl_session_reuse off;
        proxy_redirect off;
    }

    location = /blob-redirect {
        internal;
        proxy_pass $schema1_redirect_url;
    }
--- request
GET /v2/away/plain/manifests/1
--- refused
502 UNKNOWN redirected away/plain:1
--- asked eval
"GET /v2/away/plain/manifests/1
GET /v2/away/plain/blobs/$::config"



=== TEST 49: hosts can be limited by a map
--- http_config
    map $schema1_redirect_url $storage {
        ~^http://127\.0\.0\.1:$TEST_NGINX_STORAGE_PORT/h  "";
        default                                          $schema1_redirect_url;
    }
--- location
    schema_conversion_redirect /blob-redirect;
--- server
    location = /blob-redirect {
        internal;
        if ($storage = "") {
            return 403;
        }
        proxy_pass $storage;
    }
--- request eval
["GET /v2/away/s307/manifests/1", "GET /v2/away/five/manifests/1"]
--- schema1 eval
["away/s307:1 2 layers", undef]
--- refused eval
[undef, "502 UNKNOWN upstream_failed away/five:1"]



=== TEST 50: the variable is empty in other locations
--- server
    location = /var {
        return 200 "[$schema1_redirect_url]";
    }
--- request
GET /var
--- response_body chomp
[]



=== TEST 51: external hosts receive no credentials of a map
--- http_config
    map $http_authorization $token {
        default  $http_authorization;
    }
--- location
    schema_conversion_redirect /blob-redirect;
    proxy_set_header Authorization $token;
--- server
    location = /blob-redirect {
        internal;
        proxy_pass $schema1_redirect_url;
        proxy_set_header Authorization $token;
    }
--- more_headers
Authorization: Bearer token
--- request
GET /v2/away/s307/manifests/1
--- schema1
away/s307:1 2 layers
--- asked eval
"GET /v2/away/s307/manifests/1
    Authorization: Bearer token
GET /v2/away/s307/blobs/$::config
    Authorization: Bearer token
storage GET /config
    !Authorization"



=== TEST 52: external hosts receive no credentials of auth_request
--- requires: 4: http_auth_request_module
--- location
    schema_conversion_redirect /blob-redirect;
    auth_request /auth;
    auth_request_set $token $upstream_http_x_token;
    proxy_set_header Authorization $token;
--- server
    location = /auth {
        internal;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
    location = /blob-redirect {
        internal;
        proxy_pass $schema1_redirect_url;
        proxy_set_header Authorization $token;
    }
--- request
GET /v2/away/s307/manifests/1
--- schema1
away/s307:1 2 layers
--- asked eval
"GET /auth
GET /v2/away/s307/manifests/1
    Authorization: secret
GET /v2/away/s307/blobs/$::config
    Authorization: secret
storage GET /config
    !Authorization"



=== TEST 53: X-Accel-Redirect of an external host is refused
--- location
    schema_conversion_redirect /blob-redirect;
--- server
    location = /blob-redirect {
        internal;
        proxy_pass $schema1_redirect_url;
    }
    location /secret/ {
        internal;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
    location /returned/ {
        internal;
        return 200 "the secret";
    }
--- request eval
["GET /v2/accel/proxied/manifests/1", "GET /v2/accel/returned/manifests/1",
 "HEAD /v2/accel/proxied/manifests/1", "GET /v2/accel/list/manifests/1"]
--- error_code eval
[502, 502, 502, 502]
--- response_body_like eval
[(qr/"reason":"redirected"/) x 2, qr/^$/, qr/"reason":"redirected"/]
--- asked eval
my $blob = "/blobs/$::config";
"GET /v2/accel/proxied/manifests/1
GET /v2/accel/proxied$blob
storage GET /accel/proxied
GET /v2/accel/returned/manifests/1
GET /v2/accel/returned$blob
storage GET /accel/returned
HEAD /v2/accel/proxied/manifests/1
GET /v2/accel/proxied/manifests/1
GET /v2/accel/proxied$blob
storage GET /accel/proxied
GET /v2/accel/list/manifests/1
GET /v2/accel/list/manifests/$::app->{digest}
storage GET /accel/proxied"
--- no_error_log
[alert]



=== TEST 54: an ignored X-Accel-Redirect of an external host is not followed
--- location
    schema_conversion_redirect /blob-redirect;
--- server
    location = /blob-redirect {
        internal;
        proxy_ignore_headers X-Accel-Redirect;
        proxy_pass $schema1_redirect_url;
    }
--- request
GET /v2/accel/proxied/manifests/1
--- schema1
accel/proxied:1 2 layers



=== TEST 55: another path of the registry is external
--- location
    schema_conversion_redirect /blob-redirect;
    proxy_redirect off;
--- server eval: $::redirect
--- more_headers eval
[("Host: 127.0.0.1:$ENV{TEST_NGINX_CLIENT_PORT}
Authorization: Bearer token") x 3]
--- request eval
[map { "GET /v2/away/$_/manifests/1?account=me" } qw(google googleurl googlename)]
--- schema1 eval
[map { "away/$_:1 2 layers" } qw(google googleurl googlename)]
--- asked eval
CORE::join "", map { "GET /v2/away/$_/manifests/1?account=me
    Authorization: Bearer token
GET /v2/away/$_/blobs/$::config?account=me
    Authorization: Bearer token
GET /artifacts-downloads/namespaces/x?token=a%2Fb
    !Authorization
" } qw(google googleurl googlename)



=== TEST 56: another path of the registry is fetched from a named upstream
--- http_config
    upstream registry {
        server 127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        schema_conversion_redirect /blob-redirect;
        proxy_pass http://registry;
    }
    location = /blob-redirect {
        internal;
        proxy_pass $schema1_redirect_url;
    }
--- request eval
["GET /v2/away/google/manifests/1", "GET /v2/away/chain/manifests/1"]
--- schema1 eval
["away/google:1 2 layers", "away/chain:1 2 layers"]



=== TEST 57: another path of the registry is followed for a child manifest
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request eval
["GET /v2/google/list/manifests/1", "HEAD /v2/google/list/manifests/1"]
--- error_code eval
[200, 200]
--- asked eval
my $fetches = "GET /v2/google/list/manifests/$::app->{digest}
GET /artifacts-downloads/manifest
GET /v2/google/list/blobs/$::config
";
"GET /v2/google/list/manifests/1
${fetches}HEAD /v2/google/list/manifests/1
GET /v2/google/list/manifests/1
$fetches"



=== TEST 58: another path of the registry without the directive is refused
--- request
GET /v2/away/google/manifests/1
--- refused
502 UNKNOWN redirected away/google:1
--- response_body_like: schema_conversion_redirect
--- asked eval
"GET /v2/away/google/manifests/1
GET /v2/away/google/blobs/$::config"



=== TEST 59: a missing location of the directive is nginx's 404
--- location
    schema_conversion_redirect /blob-redirct;
--- server eval: $::redirect
--- request eval
["GET /v2/away/s307/manifests/1", "GET /v2/child/s307/manifests/1"]
--- refused eval
["502 UNKNOWN upstream_failed away/s307:1",
 "502 UNKNOWN upstream_failed child/s307:1"]
--- response_body_like eval
[("nginx itself answered .* with 404.*schema_conversion_redirect") x 2]
--- no_error_log
[alert]



=== TEST 60: nginx's own 404 for a subrequest is a 502
--- server
    location ~ ^/v2/team/.*/(blobs|manifests/sha256) {
        return 404;
    }
--- request eval
["GET /v2/team/app/manifests/1", "GET /v2/team/list/manifests/1",
 "HEAD /v2/team/app/manifests/1"]
--- error_code eval
[502, 502, 502]
--- response_body_like eval
["nginx itself answered .* 404.*locations", "nginx itself answered .* 404", '^$']
--- no_error_log
[alert]



=== TEST 61: a 404 of the registry behind an error_page is the registry's
--- server
    location /v2/gone/app/blobs/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
        proxy_intercept_errors on;
        error_page 404 /page;
    }
    location = /page {
        return 404 "page";
    }
--- request
GET /v2/gone/app/manifests/1
--- refused
400 MANIFEST_INVALID config_not_found gone/app:1



=== TEST 62: https of the registry is not external with a TLS upstream
--- http_config
    server {
        listen $TEST_NGINX_RAND_PORT_1 ssl;
        ssl_certificate $TEST_NGINX_KEYS/ec256.crt;
        ssl_certificate_key $TEST_NGINX_KEYS/ec256.pem;
        location / {
            proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
            proxy_redirect off;
        }
    }
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        proxy_pass https://127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        proxy_ssl_session_reuse off;
        proxy_redirect off;
    }
--- more_headers eval
"Host: 127.0.0.1:$ENV{TEST_NGINX_CLIENT_PORT}"
--- request
GET /v2/away/https/manifests/1
--- schema1
away/https:1 2 layers
--- asked eval
"GET /v2/away/https/manifests/1
GET /v2/away/https/blobs/$::config
GET /v2/away/https/blobs/moved"



=== TEST 63: the name or address of the upstream is not external
--- http_config
    upstream registry {
        server 127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
    map $arg_by $to {
        name     registry;
        address  127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- config
    location /v2/ {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        proxy_redirect off;
        proxy_pass http://registry;
        if ($arg_by) {
            proxy_pass http://$to;
        }
    }
--- request eval
[map { "GET /v2/away/$_" } 'upstream/manifests/1',
       'upstream/manifests/1?by=name', 'named/manifests/1?by=address']
--- schema1 eval
[map { "away/$_:1 2 layers" } qw(upstream upstream named)]



=== TEST 64: the name of the requested server is not external
--- location
    proxy_redirect off;
--- request
GET /v2/
--- response_body: {}
--- after
my %path = (server => '', requested => 'http://requested');
for my $name (sort keys %path) {
    my $path = "$path{$name}/v2/away/$name/manifests/1";
    is(ask($path, '' => { raw => "GET $path HTTP/1.0\r\n\r\n" })->{status}, 200,
       $name);
}



=== TEST 65: a redirect of nginx itself is followed
--- server
    location ~ ^/v2/away/returned/blobs/other {
        return 307 /v2/away/returned/blobs/moved;
    }
--- request
GET /v2/away/returned/manifests/1
--- schema1
away/returned:1 2 layers
--- asked eval
"GET /v2/away/returned/manifests/1
GET /v2/away/returned/blobs/$::config
GET /v2/away/returned/blobs/moved"



=== TEST 66: the URL of a redirect is not in the access log
--- http_config
    log_format url "$schema1_status $schema1_redirect_url";
    access_log logs/url.log url;
--- location
    schema_conversion_redirect /blob-redirect;
--- server eval: $::redirect
--- request
GET /v2/away/s307/manifests/1
--- schema1
away/s307:1 2 layers
--- after
Time::HiRes::sleep(0.2);
like(Schema1::Keys::slurp("$Schema1::servroot/logs/url.log"),
     qr/\A(?:[^\n]+\n)*CONVERTED -\n\z/, 'the log');



=== TEST 67: a redirect of nginx after a proxy_pass without a host is followed
--- server
    location ~ ^/v2/away/returned/blobs/other {
        proxy_pass http://$arg_nowhere;
        error_page 500 = /elsewhere;
    }
    location = /elsewhere {
        return 307 /v2/away/returned/blobs/moved;
    }
--- request
GET /v2/away/returned/manifests/1
--- schema1
away/returned:1 2 layers
--- error_log
invalid URL prefix
