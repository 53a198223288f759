package Schema1::Keys;

# Copyright (C) the ngx_http_schema1_module authors

# Keys and certificates of all kinds, made once by the openssl program.

use strict;
use warnings;

use Fcntl qw(:flock);
use File::Path qw(make_path);
use JSON::PP;
use MIME::Base64 qw(encode_base64);


# Fills a folder, and returns its name:
#     rsa2048.pem ec256.pem ec384.pem ec521.pem   PKCS #8
#     rsa2048-pkcs1.pem, ec256-sec1.pem           the older forms
#     encrypted.pem, password                     of ec256.pem
#     rsa2048.jwk ec256.jwk                       libtrust's own form
#     chain.pem                                   ec256.pem's, and its CA's
#     rsa2048-chain.pem                           rsa2048.pem's, and its CA's
#     rsa1024.pem ec224.pem ed25519.pem           to be refused
#     public.pem                                  of ec256.pem
sub make
{
    my ($dir) = @_;

    make_path($dir);

    open my $lock, '>', "$dir/.lock" or die "$dir/.lock: $!\n";
    flock $lock, LOCK_EX;

    return $dir if -e "$dir/.done";

    # the default of OpenSSL 1.1.1, an option of OpenSSL 3
    my $traditional = qx(openssl version) =~ /^OpenSSL 1/ ? '' : '-traditional';

    my @commands = (
        (map { "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:$_"
               . " -out rsa$_.pem" } 1024, 2048),
        (map { "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-$_"
               . " -out ec$_.pem" } 224, 256, 384, 521),
        'genpkey -algorithm ED25519 -out ed25519.pem',
        "rsa $traditional -in rsa2048.pem -out rsa2048-pkcs1.pem",
        'ec -in ec256.pem -out ec256-sec1.pem',
        'pkey -in ec256.pem -aes256 -passout pass:secret -out encrypted.pem',
        'pkey -in ec256.pem -pubout -out public.pem',
        'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
        . ' -keyout ca.key -out ca.pem -days 36500 -subj /CN=ca',
    );

    for my $key (qw(ec256 rsa2048)) {
        push @commands,
             "req -new -key $key.pem -subj /CN=$key -out $key.csr",
             "x509 -req -in $key.csr -CA ca.pem -CAkey ca.key"
             . " -set_serial 1 -days 36500 -out $key.crt";
    }

    for (@commands) {
        my $said = `cd '$dir' && openssl $_ 2>&1`;
        die "openssl $_: $said\n" if $?;
    }

    put("$dir/chain.pem", map { slurp("$dir/$_") } qw(ec256.crt ca.pem));
    put("$dir/rsa2048-chain.pem",
        map { slurp("$dir/$_") } qw(rsa2048.crt ca.pem));
    put("$dir/password", "secret\n");
    chmod 0600, "$dir/password";
    put("$dir/ec256.jwk", ec_jwk("$dir/ec256.pem"));
    put("$dir/rsa2048.jwk", rsa_jwk("$dir/rsa2048.pem"));
    put("$dir/.done", '');

    return $dir;
}


sub ec_jwk
{
    my ($file) = @_;

    my $text = `openssl pkey -in '$file' -noout -text`;
    my ($d) = $text =~ /priv:\n((?:\s+[0-9a-f:]+\n)+)/;
    my ($pub) = $text =~ /pub:\n((?:\s+[0-9a-f:]+\n)+)/;

    $_ = pack 'H*', s/[^0-9a-f]//gr for $d, $pub;
    $d = substr "\0$d", -32;

    return JSON::PP->new->canonical->encode({
        kty => 'EC', crv => 'P-256', d => base64url($d),
        x => base64url(substr $pub, 1, 32),
        y => base64url(substr $pub, 33, 32),
    }) . "\n";
}


sub rsa_jwk
{
    my ($file) = @_;

    my $text = `openssl pkey -in '$file' -noout -text`;
    my %jwk = (kty => 'RSA', e => 'AQAB');
    my %names = (modulus => 'n', privateExponent => 'd', prime1 => 'p',
                 prime2 => 'q', exponent1 => 'dp', exponent2 => 'dq',
                 coefficient => 'qi');

    while ($text =~ /^(\w+):\n((?:\s+[0-9a-f:]+\n)+)/mg) {
        my ($name, $bytes) = ($names{$1}, pack 'H*', $2 =~ s{[^0-9a-f]}{}gr);

        $jwk{$name} = base64url($bytes =~ s{^\0+}{}r) if $name;
    }

    return JSON::PP->new->canonical->encode(\%jwk) . "\n";
}


sub base64url
{
    my $text = encode_base64($_[0], '');

    $text =~ tr{/+=}{_-}d;

    return $text;
}


sub slurp
{
    my ($file) = @_;

    open my $in, '<', $file or die "$file: $!\n";
    local $/;

    return <$in>;
}


sub put
{
    my ($file, @text) = @_;

    open my $out, '>', $file or die "$file: $!\n";
    print $out @text;
    close $out or die "$file: $!\n";
}


1;
