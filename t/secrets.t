# Copyright (C) the ngx_http_schema1_module authors

# What the module says at level debug holds no secrets: credentials, signed
# queries, keys, passwords.  (nginx itself logs the headers that it sends there,
# so only the module's own lines are checked, without what nginx adds.)

use Schema1;
use Schema1::Client;

log_level('debug');
repeat_each(1);

# one that can be reloaded: what reads keys has the level of the log then
master_on();
workers(1);

plan tests => repeat_each() * 27;

our $app = image('team/app:1');
my $storage = "http://127.0.0.1:$ENV{TEST_NGINX_STORAGE_PORT}";

image('away/app:1');
answer(qr{^GET /v2/away/app/blobs/}, status => 307,
       headers => [Location => "$storage/config?X-Sig=hidden-query"]);
answer('storage:GET /config', status => 200, body => $app->{config});
image('lost/app:1');
answer(qr{^GET /v2/lost/app/blobs/}, status => 307,
       headers => [Location => "$storage/none?X-Sig=hidden-query"]);
image('user/app:1');
answer(qr{^GET /v2/user/app/blobs/}, status => 307, headers => [
    Location => 'http://me:hidden-user@127.0.0.1/x?X-Sig=hidden-query']);
list('team/list:1', entries => [image('team/list')]);

# lines of the files, in any of which a secret may lie
my $keys = $ENV{TEST_NGINX_KEYS};
our @keys = map { quotemeta } grep { length > 8 && !/-----/ }
               map { split /\n/, Schema1::Keys::slurp("$keys/$_") }
               qw(encrypted.pem ec256.pem);
push @keys, Schema1::Keys::slurp("$keys/ec256.jwk") =~ /"d":"([^"]+)"/;
our @secrets = ('hidden-[a-z]+', 'aGlkZGVu\w*', 'secret');

our $server = '
    location = /away {
        internal;
        proxy_pass $schema1_redirect_url;
    }
';

our $headers = 'Authorization: Bearer hidden-token
Proxy-Authorization: Basic aGlkZGVuOmhpZGRlbg==
Cookie: session=hidden-cookie';

# what the module has said is something, and none of it a secret
sub said_nothing
{
    my ($least) = @_;

    # nginx logs after it has answered
    Time::HiRes::sleep(0.2);

    my @lines = map { s/, client: .*//sr }
                error_lines(qr/schema1 |schema_conversion/);
    my @bad = grep { my $line = $_; grep { $line =~ /$_/ } @secrets }
              map { s/"schema_conversion_password_file"//r
                    =~ s/\Q$Schema1::servroot//gr } @lines;

    # a key has several lines, and none of them has a reason to be logged
    push @bad, grep { my $line = $_; grep { $line =~ /$_/ } @keys }
               error_lines(qr/./);

    cmp_ok(scalar @lines, '>=', $least, 'lines of the module');
    ok(!@bad, 'no secrets') or diag(@bad);
}

run_tests();

__DATA__

=== TEST 1: a conversion logs no credentials
--- location
    schema_conversion_key $TEST_NGINX_KEYS/encrypted.pem;
    schema_conversion_password_file $TEST_NGINX_KEYS/password;
--- request
GET /v2/team/list/manifests/1?token=hidden-argument
--- more_headers eval: $::headers
--- schema1
team/list:1 2 layers
--- no_error_log
[alert]
--- after
said_nothing(5);
reload();
said_nothing(5);



=== TEST 2: a redirect to storage logs no credentials
--- location
    schema_conversion_redirect /away;
--- server eval: $::server
--- request
GET /v2/away/app/manifests/1?token=hidden-argument
--- more_headers eval: $::headers
--- schema1
away/app:1 2 layers
--- no_error_log
[alert]
--- after
said_nothing(5);



=== TEST 3: a failed conversion logs no credentials
--- location
    schema_conversion_redirect /away;
--- server eval: $::server
--- request
GET /v2/lost/app/manifests/1?token=hidden-argument
--- more_headers eval: $::headers
--- error_code: 400
--- response_body_unlike: hidden
--- no_error_log
[alert]
--- after
said_nothing(5);



=== TEST 4: a refused conversion logs no credentials
--- location
    schema_conversion_redirect /away;
--- server eval: $::server
--- request
GET /v2/user/app/manifests/1
--- more_headers eval: $::headers
--- error_code: 502
--- response_body_unlike: hidden
--- no_error_log
[alert]
--- after
said_nothing(4);



=== TEST 5: a redirect without the directive logs no credentials
--- request
GET /v2/away/app/manifests/1
--- more_headers eval: $::headers
--- error_code: 502
--- response_body_unlike: hidden
--- no_error_log
[alert]
--- after
said_nothing(4);
