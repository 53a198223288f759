# Copyright (C) the ngx_http_schema1_module authors

# What the debug log says of a request: which states it passes, and how often.

use Schema1;
use Schema1::Client;

plan tests => repeat_each() * 42;

our $list = list('team/list:1', strict => 0, entries => [
    our $child = image('team/list')]);
our $app = image('team/app:1');
our $v2 = type_of('docker', 'manifest');
our $type = type_of('docker', 'list');
answer('/v2/team/big/manifests/1', status => 200, type => $v2,
       body => 'x' x 6000, headers => [], chunked => 1);

# less than what is read in a turn, but more than nginx's buffers hold
image('wide/app:1', config => { x => 'y' x 100_000 });
answer(qr{^GET /v2/wide/app/blobs/}, chunked => 1);

run_tests();

__DATA__

=== TEST 1: the debug log of a conversion
--- requires: 11: debug
--- request
GET /v2/team/list/manifests/1
--- schema1
team/list:1 2 layers
--- error_log eval
[qr{schema1 request "/v2/team/list/manifests/1", upstream accept: "[^"]*json"$},
 qr{schema1 classify: type "\Q$::type\E" is \d, action \d$},
 qr{schema1 state: 1$},
 qr{schema1 fetch child manifest \Q$::child->{digest}\E: "[^"]*", hop 0$},
 qr{schema1 fetch status: 200, "/v2/team/list/blobs/[^"]*"$},
 qr{schema1 fetch done: 0, "/v2/team/list/blobs/[^"]*"$},
 qr{schema1 send \d+ of \d+$}]
--- no_error_log
[error]
schema1 pause upstream



=== TEST 2: the debug log of the empty layer
--- requires: 5: debug
--- request eval
'GET /v2/team/app/blobs/' . ::EMPTY_LAYER
--- wait: 0.3
--- error_log eval
[qr{schema1 send 32 of 32$}, qr{schema1 stop upstream$}]
--- no_error_log
schema1 resume
[error]



=== TEST 3: the debug log of a response that is too large
--- requires: 6: debug
--- location
    schema_conversion_max_size 4k;
--- request
GET /v2/team/big/manifests/1
--- error_code: 502
--- error_log eval
[qr{schema1 stop upstream$}, 'finalize http proxy request']
--- no_error_log
schema1 resume
schema1 pause upstream
[alert]



=== TEST 4: the debug log of a thread
--- requires: 6: debug
--- main_config
    thread_pool one threads=1;
--- location
    schema_conversion_thread_pool one;
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers
--- error_log eval
[qr{schema1 task complete: "/v2/team/app/manifests/1"$},
 qr{schema1 resume: "/v2/team/app/manifests/1"$}]
--- no_error_log
schema1 pause upstream
[error]



=== TEST 5: a document below the size of a turn is read at once
--- requires: 4: debug
--- request
GET /v2/wide/app/manifests/1
--- schema1
wide/app:1 2 layers
--- no_error_log
schema1 pause upstream
[error]



=== TEST 6: the debug log of a cache
--- requires: 10: debug
--- http_config
    schema_conversion_cache_zone one:1m;
--- location
    schema_conversion_cache one;
--- request eval
[("GET /v2/team/app/manifests/1") x 2]
--- schema1 eval
[("team/app:1 2 layers") x 2]
--- error_log eval
qr{schema1 cache lookup: (?:-5|0)}
--- no_error_log
schema1 stop upstream
[error]
