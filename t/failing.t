# Copyright (C) the ngx_http_schema1_module authors

# Filters of another module, behind this one, that fail: lua's, which is loaded
# before it.

use Schema1;
use Schema1::Client;

our $modules = `nginx -V 2>&1` =~ /--modules-path=(\S+)/ && $1 || '';
my @lua = map { "$modules/$_.so" } qw(ndk_http_module ngx_http_lua_module);

plan skip_all => 'lua is not installed'
    if $ENV{TEST_NGINX_BINARY} || grep { !-f } @lua;

plan tests => repeat_each() * 28;

$Test::Nginx::Util::LoadModules = join ' ', @lua,
    $Test::Nginx::Util::LoadModules;

our $docker = image('team/docker:1');
list('team/list:1', entries => [image('team/list')], strict => 0);
document('team/plain:1', 'application/json', '{"x":"' . 'y' x 3000 . '"}');
answer('/v2/team/plain/manifests/1', headers => [], chunked => 1);

# more than is sent in a turn of the event loop
image('team/large:1', config => { x => 'y' x 3_000_000 });

# fails for one buffer, by its number
our $body = '
        body_filter_by_lua_block {
            ngx.ctx.n = (ngx.ctx.n or 0) + 1
            if ngx.ctx.n == tonumber(ngx.var.arg_fail) then error("no body") end
        }
';

run_tests();

__DATA__

=== TEST 1: an error of a header filter behind ends the connection
--- location
    header_filter_by_lua_block {
        if ngx.var.arg_fail then error("no header") end
    }
--- request
GET /v2/
--- after
for my $name (qw(docker list plain)) {
    my $answer = ask("/v2/team/$name/manifests/1?fail=1",
                     Connection => 'keep-alive', '' => { timeout => 5 });
    is($answer->{raw}, '', "$name: nothing is sent");
    cmp_ok($answer->{seconds}, '<', 4, "$name: the connection is closed");
}
--- no_error_log
[alert]



=== TEST 2: an error of a body filter behind ends the connection
--- location eval
"$::body schema_conversion_max_size 8m;"
--- request
GET /v2/
--- after
for ([large => 1], [large => 2], [large => 3], [large => 4], [plain => 1]) {
    my ($name, $n) = @$_;
    my $answer = ask("/v2/team/$name/manifests/1?fail=$n",
                     Connection => 'keep-alive', '' => { timeout => 5 });
    unlike(substr($answer->{raw}, -10), qr/\}\s*\z/, "$name, $n: it is cut");
    cmp_ok($answer->{seconds}, '<', 4, "$name, $n: the connection is closed");
}
--- no_error_log
[alert]



=== TEST 3: an error of a body filter behind ends what is too large to examine
--- location eval
"$::body schema_conversion_max_size 1k;"
--- request
GET /v2/
--- after
my $answer = ask('/v2/team/plain/manifests/1?fail=1',
                 Connection => 'keep-alive', '' => { timeout => 5 });
unlike($answer->{raw}, qr/y/, 'nothing of it is sent');
cmp_ok($answer->{seconds}, '<', 4, 'the connection is closed');
--- no_error_log
[alert]



=== TEST 4: the page of the user after an error of a header filter passes
--- skip_eval
4: !-f "$::modules/ngx_http_js_module.so"
--- main_config eval
"load_module $::modules/ngx_http_js_module.so;"
--- http_config
    js_path ../html;
    js_import main from main.js;
--- location
    header_filter_by_lua_block {
        local failed = ngx.ctx.failed
        ngx.ctx.failed = true
        if not failed then error("no header") end
    }
    js_content main.page;
    error_page 500 = @other;
--- server
    location @other {
        schema_conversion on;
        schema_conversion_key $TEST_NGINX_KEYS/ec256.pem;
        proxy_pass http://127.0.0.1:$TEST_NGINX_MOCK_PORT;
    }
--- user_files
>>> main.js
function page(r) {
    r.status = 200;
    r.headersOut['Content-Type'] =
        'application/vnd.docker.distribution.manifest.v2+json';
    r.headersOut['Content-Length'] = '50000000';
    r.sendHeader();
}
export default { page };
--- request
GET /v2/team/docker/manifests/1
--- response_body eval
$::docker->{body}
--- response_headers
Vary: Accept
--- no_error_log
[alert]
