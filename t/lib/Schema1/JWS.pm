package Schema1::JWS;

# Copyright (C) the ngx_http_schema1_module authors

# Reads and verifies signed schema 1 manifests, with the openssl program and
# without a line of the module's own code.

use strict;
use warnings;

use Digest::SHA qw(sha256 sha256_hex);
use File::Temp qw(tempfile);
use JSON::PP;
use MIME::Base64 qw(encode_base64 decode_base64);
use Time::Local qw(timegm);

use Exporter 'import';

our @EXPORT = qw(read_jws check_schema1);

my %curves = (
    'P-256' => ['2a8648ce3d030107', 32, 'ES256', 'sha256'],
    'P-384' => ['2b81040022', 48, 'ES384', 'sha384'],
    'P-521' => ['2b81040023', 66, 'ES512', 'sha512'],
);


# Returns a hash: payload, digest, alg, kid, time; dies with the reason when
# the document is not signed as it should be.
sub read_jws
{
    my ($body) = @_;

    my $json = eval { JSON::PP->new->utf8->decode($body) }
        or die "no JSON: $@";
    my @signatures = @{$json->{signatures} || die "no signatures\n"};

    @signatures == 1 or die "not one signature\n";

    my $signature = $signatures[0];
    my $protected = JSON::PP->new->utf8->decode(
        base64url($signature->{protected}));

    my $payload = substr($body, 0, $protected->{formatLength})
                  . base64url($protected->{formatTail});

    # what is signed is the document without its signatures
    my $unsigned = JSON::PP->new->utf8->decode($payload);
    delete $json->{signatures};

    JSON::PP->new->canonical->encode($unsigned)
        eq JSON::PP->new->canonical->encode($json)
        or die "the payload is not the document\n";

    $protected->{time} =~ /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/
        or die "no time: $protected->{time}\n";

    my $header = $signature->{header};
    my ($der, $alg, $hash, $width) = public_key($header);

    $alg eq $header->{alg} or die "alg is $header->{alg}, not $alg\n";

    if ($header->{jwk}) {
        my $kid = kid($der);

        ($header->{jwk}{kid} || '') eq $kid
            or die "kid is $header->{jwk}{kid}, not $kid\n";
    }

    my $raw = base64url($signature->{signature});

    if ($width) {
        length $raw == 2 * $width or die "signature of ", length $raw, "\n";
        $raw = sequence(map { integer($_) } unpack "a$width a$width", $raw);
    }

    verify($der, $hash, $raw, "$signature->{protected}."
                              . base64url_encode($payload))
        or die "the signature does not hold\n";

    return { payload => $payload, json => $unsigned,
             digest => 'sha256:' . sha256_hex($payload),
             time => $protected->{time}, alg => $alg, kid => ($header->{jwk} || {})->{kid},
             chain => $header->{x5c} };
}


# Docker's own rules for a pull; dies with what is wrong
sub check_schema1
{
    my ($body, $name, $tag, $layers, $architecture) = @_;

    my $jws = read_jws($body);
    my $image = $jws->{json};

    my ($year, $month, $day, $hour, $min, $sec) = $jws->{time} =~ /(\d+)/g;

    abs(time - timegm($sec, $min, $hour, $day, $month - 1, $year)) < 3600
        or die "signed at $jws->{time}\n";

    $image->{schemaVersion} == 1 or die "not schema 1\n";
    $image->{name} eq $name or die "name is $image->{name}\n";
    $image->{tag} eq $tag or die "tag is $image->{tag}\n";
    !$architecture || $image->{architecture} eq $architecture
        or die "architecture is $image->{architecture}\n";

    my @history = @{$image->{history}};

    @history == @{$image->{fsLayers}}
        or die "history and fsLayers differ in length\n";
    !defined $layers || @history == $layers
        or die scalar @history, " layers, not $layers\n";

    my (%seen, $parent);

    for my $i (reverse 0 .. $#history) {
        my $v1 = JSON::PP->new->utf8->decode(
            Encode::encode_utf8($history[$i]{v1Compatibility}));

        $v1->{id} =~ /^[0-9a-f]{64}$/ or die "id is $v1->{id}\n";
        !$seen{$v1->{id}}++ or die "id $v1->{id} twice\n";
        ($v1->{parent} || '') eq ($parent || '')
            or die "the chain of parents is broken at $i\n";
        $image->{fsLayers}[$i]{blobSum} =~ /^sha256:[0-9a-f]{64}$/
            or die "blobSum is $image->{fsLayers}[$i]{blobSum}\n";

        $parent = $v1->{id};
    }

    return $jws;
}


sub public_key
{
    my ($header) = @_;

    if ($header->{x5c}) {
        my $der = decode_base64($header->{x5c}[0]);
        my $key = pipe_through($der, 'openssl x509 -inform DER -noout -pubkey'
                                     . ' | openssl pkey -pubin -outform DER');

        return ($key, $header->{alg},
                $header->{alg} =~ /^(?:RS|ES)(\d+)$/ ? "sha$1" : die,
                { ES256 => 32, ES384 => 48, ES512 => 66 }->{$header->{alg}});
    }

    my $jwk = $header->{jwk} or die "neither jwk nor x5c\n";

    if ($jwk->{kty} eq 'RSA') {
        my $key = sequence(integer(base64url($jwk->{n})),
                           integer(base64url($jwk->{e})));

        return (sequence(sequence(pack('H*', '06092a864886f70d010101'),
                                  pack 'H*', '0500'), bits($key)),
                'RS256', 'sha256');
    }

    my ($oid, $width, $alg, $hash) = @{$curves{$jwk->{crv}} || die "crv\n"};
    my @point = map { base64url($jwk->{$_}) } qw(x y);

    length $_ == $width or die "a coordinate of ", length $_, " bytes\n"
        for @point;

    return (sequence(sequence(tlv(6, pack 'H*', '2a8648ce3d0201'),
                              tlv(6, pack 'H*', $oid)),
                     bits("\x04" . join '', @point)),
            $alg, $hash, $width);
}


sub kid
{
    my ($der) = @_;

    my @alphabet = ('A' .. 'Z', 2 .. 7);
    my $bits = unpack 'B*', substr sha256($der), 0, 30;

    return join ':', join('', map { $alphabet[oct "0b$_"] }
                              $bits =~ /(.{5})/g) =~ /(.{4})/g;
}


sub verify
{
    my ($der, $hash, $signature, $data) = @_;

    my @files = map {
        my ($fh, $file) = tempfile(UNLINK => 1);
        binmode $fh;
        print $fh $_;
        close $fh;
        $file;
    } "-----BEGIN PUBLIC KEY-----\n" . encode_base64($der)
      . "-----END PUBLIC KEY-----\n", $signature, $data;

    my $said = `openssl dgst -$hash -verify $files[0] -signature $files[1] $files[2] 2>&1`;

    unlink @files;

    return $said =~ /^Verified OK/;
}


sub pipe_through
{
    my ($bytes, $command) = @_;

    my ($fh, $file) = tempfile(UNLINK => 1);

    binmode $fh;
    print $fh $bytes;
    close $fh;

    my $out = `( $command ) < $file 2>/dev/null`;

    unlink $file;

    return $out;
}


sub base64url
{
    my ($text) = @_;

    $text !~ /[^A-Za-z0-9_-]/ or die "no base64url: $text\n";
    $text =~ tr{_-}{/+};

    return decode_base64($text . '=' x (-length($text) % 4));
}


sub base64url_encode
{
    my $text = encode_base64($_[0], '');

    $text =~ tr{/+=}{_-}d;

    return $text;
}


sub tlv
{
    my ($tag, $value) = @_;

    my $len = length $value;
    my $bytes = $len < 128 ? pack 'C', $len
              : $len < 256 ? pack 'CC', 0x81, $len : pack 'Cn', 0x82, $len;

    return pack('C', $tag) . $bytes . $value;
}


sub sequence
{
    return tlv(0x30, join '', @_);
}


sub integer
{
    my ($bytes) = @_;

    $bytes =~ s/^\0+(?=.)//s;

    return tlv(2, ord $bytes & 0x80 ? "\0$bytes" : $bytes);
}


sub bits
{
    return tlv(3, "\0$_[0]");
}


require Encode;

1;
