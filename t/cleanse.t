# Copyright (C) the ngx_http_schema1_module authors

# The memory of nginx's processes contains no key file, no password, and no
# private key that is no longer configured.

use File::Temp qw(tempdir);
use MIME::Base64 qw(decode_base64);

# free() would overwrite what the module does not cleanse
BEGIN { $ENV{MALLOC_PERTURB_} = 0 }

use Schema1;
use Schema1::Client;

# valgrind's memory contains what the program freed
if ($ENV{SCHEMA1_VALGRIND} || $ENV{SCHEMA1_SANITIZED}) {
    plan skip_all => 'the allocator keeps what is freed';
}

master_on();
workers(1);
repeat_each(1);

plan tests => 35;

our $dir = tempdir(CLEANUP => 1);
our @passwords = map { "password-of-$_-" . join '', map { int rand 10 } 1 .. 20 }
                 qw(nothing encrypted.pem everything);

for my $command (
    (map { "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $_.pem" }
     qw(one two)),
    'req -x509 -new -key two.pem -subj /CN=two -out two.crt',
    "pkey -in one.pem -aes256 -passout pass:$passwords[1] -out encrypted.pem")
{
    my $said = `cd '$dir' && openssl $command 2>&1`;
    die "openssl $command: $said\n" if $?;
}

umask 077;

Schema1::Keys::put("$dir/one.jwk", Schema1::Keys::ec_jwk("$dir/one.pem"));
Schema1::Keys::put("$dir/passwords", map { "$_\n" } @passwords);
Schema1::Keys::put("$dir/wrong", map { "$_\n" } @passwords[0, 2]);
Schema1::Keys::put("$dir/broken.pem", Schema1::Keys::slurp("$dir/one.pem")
                                      =~ s/\n(?=[^\n]*\n---)/\n*/r);

image('team/app:1');

# a secret of each file: a line of base64 without its beginning, in which free()
# writes, a member, or a password
sub secrets
{
    return map {
        my $text = Schema1::Keys::slurp("$dir/$_");

        /jwk/ ? $text =~ /"d":"([^"]+)"/
              : map { /^[^-].{19}(.{20,})/ } split /\n/, $text;
    } @_;
}


# as OpenSSL keeps it: words of 8 bytes, the least one first
sub private
{
    my ($file) = @_;

    my ($d) = Schema1::Keys::ec_jwk("$dir/$file") =~ /"d":"([^"]+)"/;

    return scalar reverse decode_base64($d =~ tr{-_}{+/}r . '=');
}


sub in_memory
{
    my ($pid, @wanted) = @_;

    my %found;

    no warnings 'portable';

    open my $maps, '<', "/proc/$pid/maps" or die "/proc/$pid/maps: $!\n";
    open my $memory, '<:raw', "/proc/$pid/mem" or die "/proc/$pid/mem: $!\n";

    while (<$maps>) {
        my ($start, $end) = /^(\w+)-(\w+) rw/ or next;

        sysseek $memory, hex $start, 0 or next;
        sysread $memory, my $bytes, hex($end) - hex $start or next;

        for (@wanted) {
            $found{$_}++ if index($bytes, $_) >= 0;
        }
    }

    return join ' ', map { unpack 'H*', $_ } sort keys %found;
}


sub in_none
{
    my ($title, @wanted) = @_;

    my @pids = processes();

    cmp_ok(scalar @pids, '>', 1, "$title: processes");
    is(join(' ', map { in_memory($_, @wanted) } @pids), ' ' x $#pids, $title);
}


# reloads a configuration that is refused
sub refused
{
    my ($edit, $error) = @_;

    my $file = $Test::Nginx::Util::ConfFile;

    local $_ = Schema1::Keys::slurp($file);
    $edit->();
    Schema1::Keys::put($file, $_);

    kill 'HUP', (processes())[0];

    for (1 .. 100) {
        last if error_lines($error);
        select undef, undef, undef, 0.05;
    }

    ok(scalar error_lines($error), 'the configuration is refused');
}

run_tests();

__DATA__

=== TEST 1: a key file and its passwords do not stay in memory
--- location eval
"schema_conversion_key $::dir/encrypted.pem;
 schema_conversion_password_file $::dir/passwords;"
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers ES256
--- after
isnt(in_memory((processes())[0], "$::dir/passwords"), '', 'the search finds');
in_none('files', ::secrets('encrypted.pem', 'one.pem', 'passwords'));
is(join(' ', grep { m{^\Q$::dir/} } map { readlink // '' }
             map { glob "/proc/$_/fd/*" } processes()), '', 'files are closed');



=== TEST 2: a JWK file does not stay in memory
--- location eval
"schema_conversion_key $::dir/one.jwk;"
--- request
GET /v2/team/app/manifests/1
--- schema1
team/app:1 2 layers ES256
--- after
in_none('file', ::secrets('one.jwk'));



=== TEST 3: files that are refused do not stay in memory
--- location eval
"schema_conversion_key $::dir/two.pem;"
--- request
GET /v2/team/app/manifests/1
--- after
refused(sub { s/two\.pem;/encrypted.pem;
    schema_conversion_password_file $::dir\/wrong;/ }, qr/\[emerg\].*encrypted/);
in_none('wrong passwords', ::secrets('encrypted.pem', 'wrong'));
refused(sub { s/encrypted\.pem;/broken.pem;/; s/schema_conversion_pass.*// },
        qr/\[emerg\].*broken/);
in_none('a broken key', ::secrets('broken.pem'));
refused(sub { s/broken\.pem;/none.pem;
    schema_conversion_password_file $::dir\/passwords;/ },
        qr/\[emerg\].*none\.pem/);
in_none('passwords without a key', ::secrets('passwords'));
refused(sub { s/none\.pem;/one.pem;/; s/schema_conversion_pass.*//;
    s/one\.pem;/$&\nschema_conversion_certificate $::dir\/none.crt;/ },
        qr/\[emerg\].*none\.crt/);
in_none('a key without its certificate', ::private('one.pem'));
refused(sub { s/none\.crt;/two.crt;/ }, qr/\[emerg\].*two\.crt/);
in_none('a key of another certificate', ::private('one.pem'));
--- expect_alert
--- no_error_log
[alert]



=== TEST 4: a key that is no longer configured does not stay in memory
--- location eval
"schema_conversion_key $::dir/one.pem;"
--- request
GET /v2/team/app/manifests/1
--- after
isnt(in_memory((processes())[0], ::private('one.pem')), '', 'the key is found');
reload(sub { s/one\.pem/two.pem/ });
isnt(in_memory((processes())[0], ::private('two.pem')), '', 'the new is found');
in_none('the former key', ::private('one.pem'));
