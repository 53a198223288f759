#!/usr/bin/perl

# Copyright (C) the ngx_http_schema1_module authors

# The directives: where they may stand, what they take, and what "nginx -t"
# says about mistakes.  Without Test::Nginx, which has no "nginx -t".

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Path qw(make_path remove_tree);
use POSIX ();
use Test::More;

use Schema1::Keys;

my $nginx = $ENV{TEST_NGINX_BINARY} || 'nginx';
my $build = abs_path($ENV{BUILD} || 'build');
my $module = $ENV{TEST_NGINX_LOAD_MODULES} //
             "$build/ngx_http_schema1_module.so";
my $load = join '', map { "load_module $_;\n" } split ' ', $module;
my $dir = "$build/t/config.$$";
my $keys = abs_path(Schema1::Keys::make("$build/keys"));

make_path("$dir/logs", "$dir/conf");

my %file = (
    nokey       => "nothing\n",
    empty       => '',
    blank       => "\n\r\n\n",
    wrong       => "first\nsecond\n",
    several     => "first\n\nsecret\r\nlast\n",
    'set.jwk'   => '{"keys":[' . Schema1::Keys::slurp("$keys/ec256.jwk") . ']}',
    'bad.jwk'   => '{"kty":"EC","crv":"P-256","d":"AA","x":"AA","y":"AA"}',
    'public.jwk' => Schema1::Keys::slurp("$keys/ec256.jwk")
                    =~ s/"d":"[^"]*",//r,
    'oct.jwk'   => '{"kty":"oct","k":"AAAA"}',
    'broken.pem' => "-----BEGIN PRIVATE KEY-----\nAAAA\n"
                    . "-----END PRIVATE KEY-----\n",
    'half.pem'  => Schema1::Keys::slurp("$keys/chain.pem")
                   . "-----BEGIN CERTIFICATE-----\nAAAA\n"
                   . "-----END CERTIFICATE-----\n",
);

for my $name (keys %file) {
    Schema1::Keys::put("$dir/$name", $file{$name});
    chmod 0600, "$dir/$name";
}

chmod 0600, glob("$keys/*.pem"), glob("$keys/*.jwk"), "$keys/password";

# a certificate is no secret
chmod 0644, "$keys/chain.pem";

END {
    my $status = $?;
    remove_tree($dir) if $dir && $status == 0;
    $? = $status;
}

# level => text; what nginx -t says, and whether it is content
sub test
{
    my (%text) = @_;

    $_ //= '' for @text{qw(main http server location)};

    Schema1::Keys::put("$dir/conf/nginx.conf", <<END);
$load
pid $dir/nginx.pid;
events { }
$text{main}
http {
    access_log off;
    $text{http}
    server {
        listen 127.0.0.1:1;
        $text{server}
        location /v2/ {
            $text{location}
        }
    }
}
END

    my $said = `$nginx -t -e $dir/logs/error.log -p $dir/ -c $dir/conf/nginx.conf 2>&1`;

    return ($? == 0, $said =~ s/\Q$dir\E\/(?!conf)/DIR\//gr
                           =~ s/\Q$keys\E\//KEYS\//gr);
}


sub refused
{
    my ($name, $why, @text) = @_;

    my ($ok, $said) = test(@text);

    # one error, and no error number of the system's unless it is expected
    ok(!$ok && (() = $said =~ /\[emerg\]/g) == 1 && index($said, $why) >= 0
       && ($said !~ /\(\d+: \w/ || $why =~ /\(\d/), $name)
        or diag("expected: $why\nsaid: $said");
}


sub taken
{
    my ($name, @text) = @_;

    my ($ok, $said) = test(@text);

    ok($ok && $said !~ /\[(warn|emerg|alert|crit|error)\]/, $name)
        or diag($said);

    return $said;
}


sub warned
{
    my ($name, $why, @text) = @_;

    my ($ok, $said) = test(@text);

    ok($ok && $said =~ /\[warn\] \Q$why\E in /, $name)
        or diag("expected: $why\nsaid: $said");
}


my %value = (
    schema_conversion               => 'on',
    schema_conversion_key           => "$keys/ec256.pem",
    schema_conversion_password_file => "$keys/password",
    schema_conversion_certificate   => "$keys/chain.pem",
    schema_conversion_platform      => 'linux/arm/v7',
    schema_conversion_max_size      => '1m',
    schema_conversion_cache         => 'one',
    schema_conversion_redirect      => '/blob-redirect',
    schema_conversion_thread_pool   => 'default',
);

my $zone = "schema_conversion_cache_zone one:1m;\n";

# contexts, duplicates, arguments

for my $directive (sort keys %value) {
    my $line = "$directive $value{$directive};";

    taken("$directive in $_", http => $zone, $_ => ($_ eq 'http' ? $zone : '')
          . $line) for qw(http server location);

    my $again = $directive eq 'schema_conversion_cache' ? 'off'
                                                        : $value{$directive};

    refused("$directive twice", "\"$directive\" directive is duplicate",
            http => $zone, location => "$line $directive $again;");
    refused("$directive in main", "\"$directive\" directive is not allowed",
            main => $line);
    refused("$directive in if", "\"$directive\" directive is not allowed",
            location => "if (\$arg_x) { $line }");
    refused("$directive without a value",
            "invalid number of arguments in \"$directive\" directive",
            location => "$directive;");
    refused("$directive with two values", $directive =~ /_cache$/
            ? "invalid parameter \"x\" in \"$directive\""
            : "invalid number of arguments in \"$directive\" directive",
            location => "$directive $value{$directive} x;");
}

taken('schema_conversion_cache_zone in http', http => $zone);
taken('its time', http => 'schema_conversion_cache_zone one:1m inactive=10m;');
taken('two of them',
      http => "$zone schema_conversion_cache_zone two:1m inactive=1d;");
refused('the same one twice', 'zone "one" in "schema_conversion_cache_zone"'
        . ' is duplicate', http => "$zone$zone");
refused("schema_conversion_cache_zone in $_",
        '"schema_conversion_cache_zone" directive is not allowed', $_ => $zone)
    for qw(main server location);

taken('schema_conversion_status in location',
      location => 'schema_conversion_status;');
refused("schema_conversion_status in $_",
        '"schema_conversion_status" directive is not allowed',
        $_ => 'schema_conversion_status;') for qw(main http server);
refused('schema_conversion_status with a value',
        'invalid number of arguments in "schema_conversion_status"',
        location => 'schema_conversion_status on;');
refused('a cache in the zone of the counters',
        'the shared memory zone "schema_conversion_status" is already declared'
        . ' for a different use',
        http => 'schema_conversion_cache_zone schema_conversion_status:1m;',
        location => 'schema_conversion_status;');

# values

refused('neither on nor off', 'invalid value "maybe" in "schema_conversion"',
        location => 'schema_conversion maybe;');

taken("platform $_", location => "schema_conversion_platform $_;")
    for qw(linux/amd64 windows/amd64 linux/arm/v7 $arg_p linux/$arg_p);
refused("platform \"$_\"", "invalid platform \"$_\" in"
        . ' "schema_conversion_platform"',
        location => "schema_conversion_platform \"$_\";")
    for 'linux', 'linux/', '/amd64', 'linux/arm/', 'a/b/c/d', 'Linux/AMD64',
        'linux amd64', '';
warned("platform linux/$_->[0]", "platform \"linux/$_->[0]\" in"
       . ' "schema_conversion_platform" matches no image, OCI\'s name of'
       . " the architecture is \"$_->[1]\"",
       location => "schema_conversion_platform linux/$_->[0];")
    for ['x86_64', 'amd64'], ['aarch64', 'arm64'], ['armv7l', 'arm/v7'],
        ['i386', '386'];

taken("size $_", location => "schema_conversion_max_size $_;")
    for qw(1 100 64k 16M);
refused('size 0', '"schema_conversion_max_size" directive must be greater',
        location => 'schema_conversion_max_size 0;');
refused("size $_", '"schema_conversion_max_size" directive invalid value',
        location => "schema_conversion_max_size $_;") for qw(-1 1x many 1g1);

taken('the shortest redirect', location => 'schema_conversion_redirect /;');
refused("redirect \"$_\"", '"schema_conversion_redirect" directive must name',
        location => "schema_conversion_redirect \"$_\";")
    for 'blob-redirect', 'http://127.0.0.1/', '@named', '';

refused("zone $_", "invalid zone \"$_\" in \"schema_conversion_cache_zone\"",
        http => "schema_conversion_cache_zone $_;")
    for qw(one :1m one: one:x one:-1 keys_zone=z:1m);

my $least = 8 * POSIX::sysconf(POSIX::_SC_PAGESIZE()) / 1024;

refused('a small zone', 'zone "one" in "schema_conversion_cache_zone" is too'
        . " small, at least ${least}k are required",
        http => 'schema_conversion_cache_zone one:' . ($least - 1) . 'k;');
taken('the smallest zone',
      http => "schema_conversion_cache_zone one:${least}k;");
refused("zone's $_", "invalid parameter \"$_\" in"
        . ' "schema_conversion_cache_zone"',
        http => "schema_conversion_cache_zone one:1m $_;")
    for qw(inactive=x inactive=0 inactive= inactive=10mx active=1m lifetime=10m
           inactive:10m);
refused('an unknown parameter of a cache', 'invalid parameter "revalidate=get"'
        . ' in "schema_conversion_cache"', http => $zone,
        location => 'schema_conversion_cache one revalidate=get;');
refused('a cache that is off with a parameter', 'unknown zone "off" in'
        . ' "schema_conversion_cache"', http => $zone,
        location => 'schema_conversion_cache off revalidate=head;');
refused('an unknown zone', '"schema_conversion_cache"',
        location => 'schema_conversion_cache nosuch;');
refused('an unknown zone, named', 'nosuch',
        location => 'schema_conversion_cache nosuch;');
taken('cache off', location => 'schema_conversion_cache off;');
refused('a zone of others', 'one',
        http => 'limit_req_zone $uri zone=one:1m rate=1r/s;',
        location => 'schema_conversion_cache one;');

taken('no thread pool', location => 'schema_conversion_thread_pool off;');
taken('a thread pool', main => 'thread_pool schema threads=1;',
      location => 'schema_conversion_thread_pool schema;');
refused('an unknown thread pool', 'nosuch',
        location => 'schema_conversion_thread_pool nosuch;');

# keys

my $on = 'schema_conversion on; schema_conversion_key';
my $key = '"schema_conversion_key"';
my $password = 'schema_conversion_password_file';
my $certificate = 'schema_conversion_certificate';

taken($_, location => "$on $keys/$_;")
    for qw(rsa2048.pem rsa2048-pkcs1.pem ec256.pem ec256-sec1.pem ec384.pem
           ec521.pem rsa2048.jwk ec256.jwk);

my %bad = (
    "$keys/none.pem"    => ': open() "KEYS/none.pem" failed (2: No such file',
    $keys               => ": read() \"$keys\" failed (21: Is a directory)",
    "$dir/nokey"        => ' "DIR/nokey": is neither PEM nor a JWK',
    "$dir/empty"        => ' "DIR/empty": is empty',
    "$dir/broken.pem"   => ' "DIR/broken.pem": is a private key that cannot be',
    "$keys/public.pem"  => ' "KEYS/public.pem": is not a private key',
    "$keys/chain.pem"   => ' "KEYS/chain.pem": is not a private key',
    "$keys/rsa1024.pem" => ' "KEYS/rsa1024.pem": is an RSA key of 1024 bits,'
                           . ' too small: 2048 or more are needed',
    "$keys/ec224.pem"   => ' "KEYS/ec224.pem": is an EC key on a curve',
    "$keys/ed25519.pem" => ' "KEYS/ed25519.pem": is a key of another type',
    "$dir/set.jwk"      => ' "DIR/set.jwk": is a set of keys',
    "$dir/bad.jwk"      => ' "DIR/bad.jwk": is a JWK whose values',
    "$dir/public.jwk"   => ' "DIR/public.jwk": is the JWK of a public key',
    "$dir/oct.jwk"      => ' "DIR/oct.jwk": is a JWK of a type',
    "$keys/encrypted.pem" => ' "KEYS/encrypted.pem": is encrypted: '
                             . 'schema_conversion_password_file is needed',
);

refused('key ' . $_ =~ s{.*/}{}r, $key . $bad{$_}, location => "$on $_;")
    for sort keys %bad;
refused('a name of none', "$key directive must name a file",
        location => "$on \"\";");
# a file of the system's that is shorter than its size
SKIP: {
    my $file = '/sys/kernel/uevent_seqnum';

    skip "no $file", 1 unless -s $file && length Schema1::Keys::slurp($file) < -s _;

    refused('a key that is shorter than its file',
            "$key: read() \"$file\" failed in ", location => "$on $file;");
}

refused('a bad key where it is off', 'too small',
        http => "schema_conversion_key $keys/rsa1024.pem;");
taken('a relative name is that of the configuration', location => "$on ../k;")
    if link "$keys/ec256.pem", "$dir/k";

taken("an encrypted key, password of $_->[0]",
      location => "$on $keys/encrypted.pem; $password $_->[1];")
    for ['one line', "$keys/password"], ['several lines', "$dir/several"];
taken('a password of another level', http => "$password $keys/password;",
      location => "$on $keys/encrypted.pem;");
taken('a password that is not needed',
      location => "$on $keys/ec256.pem; $password $keys/password;");
refused('a password file that is missing and not needed',
        "\"$password\": open() \"DIR/none\" failed (2: No such file",
        location => "$on $keys/ec256.pem; $password $dir/none;");
refused('the wrong password', "$key \"KEYS/encrypted.pem\": is encrypted, and"
        . ' no password of schema_conversion_password_file opens it',
        location => "$on $keys/encrypted.pem; $password $dir/wrong;");
refused("passwords: $_->[1]", "\"$password\"$_->[2]",
        location => "$on $keys/encrypted.pem; $password $_->[0];")
    for ["$dir/none", 'no file', ': open() "DIR/none" failed (2: No such'],
        ["$dir/empty", 'an empty file', ' "DIR/empty" holds no password'],
        ["$dir/blank", 'blank lines', ' "DIR/blank" holds no password'];

taken("a chain of $_->[0]",
      location => "$on $keys/$_->[0]; $certificate $keys/$_->[1];")
    for ['ec256.pem', 'chain.pem'], ['rsa2048.pem', 'rsa2048-chain.pem'],
        ['ec256.jwk', 'ec256.crt'];
refused("chain: $_->[1]", "\"$certificate\"$_->[2]",
        location => "$on $keys/ec256.pem; $certificate $_->[0];")
    for ["$keys/none.pem", 'no file', ': open() "KEYS/none.pem" failed (2: No such'],
        ["$keys/rsa2048-chain.pem", 'of another key',
         ' "KEYS/rsa2048-chain.pem": has a first certificate that does not'],
        ["$keys/ca.pem", 'of another certificate',
         ' "KEYS/ca.pem": has a first certificate that does not'],
        ["$keys/ec256.pem", 'no certificate',
         ' "KEYS/ec256.pem": holds no certificate'],
        ["$dir/half.pem", 'a broken one',
         ' "DIR/half.pem": holds a certificate that cannot be read, number 3'];
refused('a chain without a key', "no $key for the \"$certificate\""
        . ' "KEYS/chain.pem"',
        location => "schema_conversion on; $certificate $keys/chain.pem;");
warned('a password file without a key', "no $key for the \"$password\""
       . ' "KEYS/password"',
       location => "schema_conversion on; $password $keys/password;");
refused('a chain above, another key below', "\"$certificate\""
        . ' "KEYS/chain.pem": has a first certificate',
        http => "schema_conversion_key $keys/ec256.pem;"
                . " $certificate $keys/chain.pem;",
        location => "$on $keys/rsa2048.pem;");

# keys that others may read

for (['key', "$on $dir/open;", '"schema_conversion_key": "DIR/open"'],
     ['password file', "$on $keys/encrypted.pem; $password $dir/pass;",
      "\"$password\": \"DIR/pass\""])
{
    my ($what, $text, $named) = @$_;

    Schema1::Keys::put("$dir/open", Schema1::Keys::slurp("$keys/ec256.pem"));
    Schema1::Keys::put("$dir/pass", "secret\n");
    chmod 0644, "$dir/open", "$dir/pass";

    my ($ok, $said) = test(location => $text);

    ok($ok && $said =~ /\[warn\] \Q$named\E can be read by everybody in /,
       "a warning for a $what that all can read") or diag($said);

    chmod 0643, "$dir/open", "$dir/pass";
    taken("none for one that they cannot", location => $text);
}

# each key is read once

for my $name ('a', 'b') {
    Schema1::Keys::put("$dir/$name", Schema1::Keys::slurp("$keys/ec256.pem"));
    chmod 0644, "$dir/$name";
}

my ($ok, $said) = test(
    http => "schema_conversion_key $dir/a;",
    server => join '', map { "location /$_ { schema_conversion_key $dir/"
                             . ($_ % 2 ? 'a' : 'b') . '; }' } 1 .. 6);

is_deeply([$said =~ /"DIR\/(\w)" can be read by everybody/g], ['a', 'b'],
          'a key of several locations is read once') or diag($said);

unlike(taken('nginx -t makes no key', location => 'schema_conversion on;')
       . Schema1::Keys::slurp("$dir/logs/error.log"),
       qr/ephemeral|ngx_http_schema1_module/, 'and says nothing of it');

Schema1::Keys::put("$dir/conf/nginx.conf",
                   "$load\npid $dir/nginx.pid;\nevents { }\n");
is(system("$nginx -t -e $dir/logs/error.log -p $dir/ -c $dir/conf/nginx.conf"
          . ' 2>/dev/null'), 0, 'a configuration without http');

done_testing();
